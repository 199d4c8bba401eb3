using System.CommandLine;
using System.Globalization;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class UsageCommand
{
    public const string CommandName = "usage";

    private const int ShownLibraries = 20;

    private static readonly Option<string?> Month =
        new("--month") { Description = "The month, in UTC. Default: this month.", HelpName = "yyyy-MM" };

    private static readonly Option<bool> History = new("--history") { Description = "Show the last twelve months as a chart." };

    private static readonly Option<bool> Csv = new("--csv") { Description = "Write every usage event of the month as CSV." };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Show what was used this month, by library and by day.", "pyresolve usage", "pyresolve usage --month 2026-11",
            "pyresolve usage --history", "pyresolve usage --csv > usage.csv")
        {
            Month, History, Csv, GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var month = CheckMonth(parse.GetValue(Month));
        var (isHistory, isCsv, isJson) = (parse.GetValue(History), parse.GetValue(Csv), parse.GetValue(GlobalOptions.Json));
        if ((isHistory ? 1 : 0) + (isCsv ? 1 : 0) > 1 || (isCsv && isJson))
            throw CliException.Usage("Give one of --history and --csv; --csv goes without --json.", "See: pyresolve usage --help");
        if (isHistory && month is not null)
            throw CliException.Usage("--history shows twelve months; --month shows one.", "See: pyresolve usage --help");
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));

        if (isCsv)
            await WriteCsvAsync(client, month, cancellationToken);
        else if (isHistory)
            ShowHistory(terminal, await client.GetUsageHistoryAsync(cancellationToken: cancellationToken), isJson);
        else
            ShowMonth(terminal, await client.GetUsageAsync(month, cancellationToken), isJson);
        return ExitCodes.Success;
    }

    private static string? CheckMonth(string? month) =>
        month is null || DateOnly.TryParseExact(month, "yyyy-MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out _)
            ? month
            : throw CliException.Usage($"'{month}' is not a month.", "Write it as 2026-11.");

    private static async Task WriteCsvAsync(PyResolveClient client, string? month, CancellationToken cancellationToken)
    {
        await using var output = StandardStreams.OpenOutput();
        await client.ExportUsageAsync(output, month, cancellationToken);
    }

    private static void ShowMonth(Terminal terminal, UsageStatistics usage, bool isJson)
    {
        if (isJson)
        {
            terminal.Exact(CliJson.Write(new UsageReport(CliJson.Wire(usage, WireJson.Default.UsageStatistics))));
            return;
        }

        terminal.Line($"Usage in {usage.Month}: {QuotaText.Pluralize(usage.Migrations, "migration")}");
        terminal.Line($"  {usage.Tier1Migrations} deterministic, {usage.LlmMigrations} with an LLM");
        var files = QuotaText.Pluralize(usage.TotalFilesChanged, "file");
        terminal.Line($"  {files} changed, {QuotaText.Pluralize(usage.TotalTokens, "token")}");
        if (usage.Migrations == 0)
            return;

        terminal.Line();
        var libraries = new Table(new("Library"), new("Migrations", IsNumber: true));
        foreach (var library in usage.ByLibrary.Take(ShownLibraries))
            libraries.Add(library.Library ?? "other", QuotaText.FormatNumber(library.Migrations));
        libraries.Write(terminal);
        if (usage.ByLibrary.Count > ShownLibraries)
            terminal.Line($"  and {usage.ByLibrary.Count - ShownLibraries} more; all of them: pyresolve usage --json");

        terminal.Line();
        WriteChart(terminal, [.. usage.ByDay.Where(static day => day.Migrations > 0).Select(static day => (day.Date, day.Migrations))]);
    }

    private static void ShowHistory(Terminal terminal, IReadOnlyList<MonthlyUsage> months, bool isJson)
    {
        if (isJson)
        {
            terminal.Exact(CliJson.Write(new HistoryReport(months)));
            return;
        }

        terminal.Line("Migrations by month:");
        WriteChart(terminal, [.. months.Select(static month => (month.Month, month.Migrations))]);
    }

    private static void WriteChart(Terminal terminal, IReadOnlyList<(string Label, long Value)> rows)
    {
        var greatest = rows.Count == 0 ? 0 : rows.Max(static row => row.Value);
        foreach (var (label, value) in rows)
        {
            var bar = greatest == 0 ? "" : terminal.Bar(value, greatest, Colour.Cyan);
            terminal.Line($"  {label}  {bar} {QuotaText.FormatNumber(value)}");
        }
    }
}
