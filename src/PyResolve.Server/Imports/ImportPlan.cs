using System.Globalization;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Imports;

/// <summary>What an import finds, and what it would do.</summary>
internal sealed record ImportPlan
{
    /// <summary>As the proof of a large import measures it (docs/proofs.md), rounded down.</summary>
    public const int RowsPerSecond = 25_000;

    /// <summary>What takes an import in place back.</summary>
    public static string TakeBack => $"{OwnProgram.Name} import supabase --take-back";

    /// <summary>The server's schema is there already: nothing is to be done in place.</summary>
    public required bool IsDone { get; init; }

    /// <summary>Why it cannot begin, each with what to do.</summary>
    public required IReadOnlyList<string> Obstacles { get; init; }

    /// <summary>Rows in the project's tables.</summary>
    public required ImportedRows Rows { get; init; }

    public required IReadOnlyList<ImportFinding> Findings { get; init; }

    /// <summary>Columns that are not taken over.</summary>
    public required IReadOnlyList<string> UnknownColumns { get; init; }

    /// <summary>What nobody else can use meanwhile; empty where nothing is locked.</summary>
    public required IReadOnlyList<string> Locks { get; init; }

    /// <summary>The schema that the import changes, quoted.</summary>
    public required string Schema { get; init; }

    /// <summary>Extensions in that schema, which a dump of a schema leaves out unless it names them.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    /// <summary>For how long the tables are locked: what makes the schema, and the rows.</summary>
    public TimeSpan LockTime => TimeSpan.FromSeconds(2 + Math.Ceiling((double)Rows.Total / RowsPerSecond));

    public string MakeDump(string file) =>
        $"pg_dump --format=custom --schema={Schema} "
        + string.Concat(Extensions.Select(static extension => $"--extension={extension} "))
        + $"--file={ShellWord.Quote(file)} \"$DATABASE_URL\"";

    public string DescribeLock() => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(", ", Locks)} for about {LockTime.TotalSeconds:0} s: {Rows.Total:N0} rows, of which {RowsPerSecond:N0} a second "
            + $"were measured on two cores");

    /// <summary>With the accounts that turned out to share a mailbox, also with those that were here before.</summary>
    public ImportPlan After(ImportOutcome outcome) => this with
    {
        Findings =
        [
            .. Findings.Where(static finding => finding.Name != SharedEmails.Name),
            .. SharedEmails.Describe(outcome.Clashes) is { } shared ? (ImportFinding[])[shared] : [],
        ],
    };
}
