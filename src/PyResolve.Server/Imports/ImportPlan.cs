using System.Globalization;

namespace PyResolve.Server.Imports;

/// <summary>What an import finds, and what it would do.</summary>
internal sealed record ImportPlan
{
    /// <summary>As the proof of a large import measures it (docs/proofs.md), rounded down.</summary>
    public const int RowsPerSecond = 20_000;

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

    /// <summary>Statements that make again what a dump of the schema does not have, once it is restored.</summary>
    public required IReadOnlyList<string> AfterRestore { get; init; }

    /// <summary>The schema that the import changes, quoted.</summary>
    public required string Schema { get; init; }

    /// <summary>For how long the tables are locked: what makes the schema, and the rows.</summary>
    public TimeSpan LockTime => TimeSpan.FromSeconds(2 + Math.Ceiling((double)Rows.Total / RowsPerSecond));

    /// <summary>Extensions in that schema, which a dump of a schema leaves out unless it names them.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    public string MakeDump(string file) =>
        $"pg_dump --format=custom --schema={Schema} "
        + string.Concat(Extensions.Select(static extension => $"--extension={extension} "))
        + $"--file={Quote(file)} \"$DATABASE_URL\"";

    /// <summary>The commands that take the import back.</summary>
    public IReadOnlyList<string> RestoreDump(string file) =>
    [
        $"psql \"$DATABASE_URL\" --single-transaction --command='drop schema {Schema} cascade' "
            + $"--command='drop schema {ProjectTables.KeptSchema} cascade'",
        $"pg_restore --single-transaction --exit-on-error --dbname=\"$DATABASE_URL\" {Quote(file)}",
        .. AfterRestore.Select(static statement =>
            $"psql \"$DATABASE_URL\" --command={Quote(statement)}"),
    ];

    /// <summary>For a shell. Plain names stay as they are.</summary>
    private static string Quote(string word) => word.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '/' or '-' or '_')
        ? word
        : $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    public string DescribeLock() => string.Create(
        CultureInfo.InvariantCulture,
        $"{string.Join(", ", Locks)} for about {LockTime.TotalSeconds:0} s: {Rows.Total:N0} rows, of which {RowsPerSecond:N0} a second "
            + "were measured on two cores");
}
