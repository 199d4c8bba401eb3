using System.Text.Json;

namespace PyResolve.Cli.Mcp;

/// <summary>The tools and resources, as <c>Mcp/lists.json</c> describes them to clients, and their names.</summary>
internal static class McpLists
{
    public const string GetQuota = "get_quota";
    public const string CheckMigration = "check_migration";
    public const string RunUpgrade = "run_upgrade";
    public const string ReportUsage = "report_usage";

    public const string Plan = "pyresolve://plan";
    public const string Usage = "pyresolve://usage";

    public const string Instructions =
        "PyResolve upgrades Python code across breaking library versions, within the monthly quota of the person's plan. "
        + "Call check_migration before run_upgrade: it says whether the upgrade may run, and what is left. "
        + "A refusal says what to do next. Unless it has \"retryable\": true, calling again does not help.";

    private static readonly JsonElement All = Read();

    public static JsonElement Tools => All.GetProperty("tools");

    public static JsonElement Resources => All.GetProperty("resources");

    private static JsonElement Read()
    {
        using var stream = typeof(McpLists).Assembly.GetManifestResourceStream("lists.json")!;
        using var document = JsonDocument.Parse(stream);
        return document.RootElement.Clone();
    }
}
