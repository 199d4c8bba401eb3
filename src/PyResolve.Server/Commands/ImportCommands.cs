using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PyResolve.Server.Imports;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

/// <summary>Takes over what an earlier system has stored.</summary>
internal static class ImportCommands
{
    private const string DefaultDump = "before-import.dump";

    private const string NoPostgres =
        "DATABASE_URL names no PostgreSQL: name the project's database there, or the one to copy it to with --from.";

    public static Command Create(RunOperatorCommand run) =>
        new("import", "Take over the accounts, keys and usage of an earlier system") { Supabase(run) };

    private static Command Supabase(RunOperatorCommand run)
    {
        var dryRun = new Option<bool>("--dry-run")
        {
            Description = "Show what would be changed and refused, and locked for how long, without changing or locking anything",
            Arity = ArgumentArity.Zero,
        };
        var dump = new Option<string?>("--dump")
        {
            Description = "The dump of the project as it was. --dry-run says how to make it",
            HelpName = "file",
        };
        var from = new Option<string?>("--from")
        {
            Description = "Copy from the database of this URL, which stays as it is, and add what is not here yet",
            HelpName = "url",
        };
        var takeBack = new Option<bool>("--take-back")
        {
            Description = "Undo an import: the project's own tables have their place again, and the server's are removed",
            Arity = ArgumentArity.Zero,
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command("supabase", "Take over a Supabase project that followed the billing guide, whole or not at all")
        {
            dryRun, dump, from, takeBack, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => parse.GetValue(takeBack)
                ? TakeBackAsync(
                    services, isAlone: !parse.GetValue(dryRun) && parse.GetValue(dump) is null && parse.GetValue(from) is null,
                    parse.GetValue(json), token)
                : ImportAsync(
                    services, parse.GetValue(dryRun), parse.GetValue(dump), parse.GetValue(from), parse.GetValue(json), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> ImportAsync(
        IServiceProvider services, bool isDryRun, string? dump, string? from, bool isJson, CancellationToken cancellationToken)
    {
        var import = services.GetRequiredService<SupabaseImport>();
        if (!import.IsOnPostgres)
            return await OperatorOutput.RefuseAsync(NoPostgres);

        await using var source = from is null ? null : Open(from);
        var plan = source is null
            ? await import.InspectAsync(cancellationToken)
            : await import.InspectAsync(source, cancellationToken);
        if (plan.Obstacles.Count > 0)
            return await EndAsync(plan, null, isDryRun, dump, isJson);
        if (isDryRun || plan.IsDone)
            return await EndAsync(plan, plan.IsDone ? ImportOutcome.Nothing : null, isDryRun, dump, isJson);
        using var line = new ProgressLine("Importing");
        if (source is not null)
        {
            var copied = await import.CopyAsync(source, ShowTable, cancellationToken);
            line.Clear();
            return await EndAsync(plan.After(copied), copied, isDryRun, dump, isJson);
        }

        if (await FindFaultAsync(dump, cancellationToken) is { } fault)
        {
            return await OperatorOutput.RefuseAsync(
                $"{fault} Nothing was changed. Make it with:\n  {plan.MakeDump(dump ?? DefaultDump)}\n"
                + $"and name it: import supabase --dump {dump ?? DefaultDump}");
        }

        // Before it begins, so that an operator who sees it end early knows what to do.
        await OperatorOutput.NoteAsync($"Locks {plan.DescribeLock()}. {Undo(dump!)}");
        var imported = await import.TakeOverAsync(ShowTable, cancellationToken);
        line.Clear();
        return await EndAsync(plan.After(imported), imported, isDryRun, dump, isJson);

        void ShowTable(string table) => line.Report(table);
    }

    private static async Task<int> TakeBackAsync(
        IServiceProvider services, bool isAlone, bool isJson, CancellationToken cancellationToken)
    {
        if (!isAlone)
            return await OperatorOutput.RefuseAsync("--take-back stands alone, or with --json.");
        if (!services.GetRequiredService<SupabaseImport>().IsOnPostgres)
            return await OperatorOutput.RefuseAsync(NoPostgres);
        await services.GetRequiredService<ImportReversal>().RunAsync(cancellationToken);
        return isJson
            ? await OperatorOutput.WriteAsync(static writer => writer.WriteBoolean("taken_back", true))
            : await OperatorOutput.SayAsync("The project's tables, functions and triggers are as they were before the import.");
    }

    private static Database Open(string url)
    {
        try
        {
            return new Database(new PostgresEngine(DatabaseUrl.ToConnectionString(url)));
        }
        catch (FormatException exception)
        {
            throw new FormatException(
                exception.Message.Replace("DATABASE_URL", "The URL of --from", StringComparison.Ordinal), exception);
        }
    }

    /// <returns>null: the file is a dump.</returns>
    private static async Task<string?> FindFaultAsync(string? dump, CancellationToken cancellationToken)
    {
        if (dump is null)
            return "Make a dump of the database first: it is all of the project as it was.";
        if (Directory.Exists(dump))
            return $"{dump} is a folder, and no dump in the custom format of pg_dump.";
        if (!File.Exists(dump))
            return $"There is no file {dump}.";
        var start = new byte[5];
        await using var file = File.OpenRead(dump);
        return await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, cancellationToken) == start.Length
            && start.AsSpan().SequenceEqual("PGDMP"u8)
            ? null
            : $"{dump} is no dump in the custom format of pg_dump.";
    }

    private static string Undo(string dump) =>
        $"To take it back, as long as the schema {ProjectTables.KeptSchema} is there:\n  {ImportPlan.TakeBack}\n"
        + $"Keep {dump}: it is all of the project as it was.";

    /// <param name="plan">What was found.</param>
    /// <param name="outcome">null: nothing was to be written.</param>
    /// <param name="isDryRun">Whether that is because it was only asked.</param>
    /// <param name="dump">The file with the project as it was.</param>
    /// <param name="isJson">For a program.</param>
    private static async Task<int> EndAsync(ImportPlan plan, ImportOutcome? outcome, bool isDryRun, string? dump, bool isJson)
    {
        if (isJson)
            await OperatorOutput.WriteAsync(writer => Write(writer, plan, outcome, isDryRun, dump ?? DefaultDump));
        else
            await SayAsync(plan, outcome, isDryRun, dump ?? DefaultDump);
        foreach (var obstacle in plan.Obstacles)
            await OperatorOutput.NoteAsync(obstacle);
        return plan.Obstacles.Count == 0 ? OperatorOutput.Done : OperatorOutput.Failed;
    }

    private static async Task SayAsync(ImportPlan plan, ImportOutcome? outcome, bool isDryRun, string dump)
    {
        if (plan.Obstacles.Count > 0)
            return;
        if (plan.IsDone)
            await OperatorOutput.SayAsync("The database has the server's tables already: nothing was changed.");
        else if (outcome is { Rows: var rows })
            await OperatorOutput.SayAsync($"Imported {Count(rows)}.{Duration(outcome)}");
        else
            await OperatorOutput.SayAsync($"Would import what is taken over of {Count(plan.Rows)}.");
        foreach (var finding in plan.Findings)
        {
            var kind = finding.Kind switch { FindingKind.Changed => "changed", FindingKind.Refused => "left out", _ => "look at" };
            var examples = string.Join(", ", finding.Examples.Take(3)) + (finding.Rows > 3 ? ", …" : "");
            var isListed = finding.Details.Count > 0;
            await OperatorOutput.SayAsync($"{Number(finding.Rows),9} {kind}: {finding.Text}{(isListed ? ":" : $" ({examples})")}");
            foreach (var detail in finding.Details)
                await OperatorOutput.SayAsync($"{"",11}{detail}");
        }

        if (plan.UnknownColumns.Count > 0)
        {
            await OperatorOutput.SayAsync(
                $"Not taken over, because the guide has no such columns: {string.Join(", ", plan.UnknownColumns)}.");
        }

        if (plan.Locks.Count == 0)
            return;
        if (isDryRun)
        {
            await OperatorOutput.SayAsync($"Would lock {plan.DescribeLock()}.");
            await OperatorOutput.SayAsync($"Stop the old API, then make a dump:\n  {plan.MakeDump(dump)}\n{Undo(dump)}");
        }

        await OperatorOutput.SayAsync(
            $"The project's own tables {(isDryRun ? "stay" : "are")} in the schema {ProjectTables.KeptSchema}, which only their owner "
            + $"reads. Remove them when you no longer need them: drop schema {ProjectTables.KeptSchema} cascade");
    }

    private static void Write(Utf8JsonWriter writer, ImportPlan plan, ImportOutcome? outcome, bool isDryRun, string dump)
    {
        writer.WriteBoolean("dry_run", isDryRun);
        writer.WriteBoolean("already_done", plan.IsDone);
        WriteTexts(writer, "obstacles", plan.Obstacles);
        Write(writer, "found", plan.Rows);
        if (outcome is { Rows: var rows })
            Write(writer, "imported", rows);
        else
            writer.WriteNull("imported");
        foreach (var kind in Enum.GetValues<FindingKind>())
        {
            writer.WriteStartArray(kind switch
            {
                FindingKind.Changed => "changed", FindingKind.Refused => "refused", _ => "notices",
            });
            foreach (var finding in plan.Findings.Where(finding => finding.Kind == kind))
            {
                writer.WriteStartObject();
                writer.WriteString("reason", finding.Name);
                writer.WriteString("text", finding.Text);
                writer.WriteNumber("rows", finding.Rows);
                WriteTexts(writer, "examples", finding.Examples);
                WriteTexts(writer, "details", finding.Details);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        WriteTexts(writer, "unknown_columns", plan.UnknownColumns);
        WriteTexts(writer, "locks", plan.Locks);
        writer.WriteNumber("lock_seconds", plan.Locks.Count == 0 ? 0 : (long)plan.LockTime.TotalSeconds);
        if (outcome is { Locked: var locked })
            writer.WriteNumber("locked_seconds", Math.Round(locked.TotalSeconds, 3));
        else
            writer.WriteNull("locked_seconds");
        WriteTexts(writer, "make_dump", plan.Locks.Count == 0 ? [] : [plan.MakeDump(dump)]);
        WriteTexts(writer, "take_back", plan.Locks.Count == 0 ? [] : [ImportPlan.TakeBack]);
    }

    private static void Write(Utf8JsonWriter writer, string name, ImportedRows rows)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("accounts", rows.Accounts);
        writer.WriteNumber("keys", rows.Keys);
        writer.WriteNumber("events", rows.Events);
        writer.WriteEndObject();
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
            writer.WriteStringValue(text);
        writer.WriteEndArray();
    }

    private static string Duration(ImportOutcome outcome) => outcome.Locked == TimeSpan.Zero ? "" : string.Create(
        CultureInfo.InvariantCulture, $" The tables were locked for {outcome.Locked.TotalSeconds:0.0} s.");

    private static string Count(ImportedRows rows) =>
        $"{Number(rows.Accounts)} accounts, {Number(rows.Keys)} keys and {Number(rows.Events)} usage events";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
