using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.Cli.Output;

/// <param name="Path">As it was given.</param>
/// <param name="Outcome"><c>changed</c> or <c>unchanged</c>; of a dry run, what the upgrade would be.</param>
/// <param name="Charged">Whether the account's quota pays for it, now or when it is reported.</param>
/// <param name="Quota"><see langword="null"/> without an account, or when the server did not say.</param>
/// <param name="Diff">Of a dry run, and of an upgrade on the server, only.</param>
internal sealed record UpgradeReport(
    string Library,
    string Target,
    string Tier,
    string Path,
    bool DryRun,
    string Outcome,
    UpgradeFiles Files,
    long TokensUsed,
    bool Charged,
    bool Offline,
    JsonElement? Quota,
    IReadOnlyList<UpgradeMessage> Messages,
    string? Diff) : Report
{
    /// <summary>Only of an upgrade on the server.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Guid? MigrationId { get; init; }

    /// <summary>What the migrator on the server printed. Only of an upgrade on the server.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Log { get; init; }
}

/// <param name="Outside">How many of these are not selected by <c>--include</c> and <c>--exclude</c>.</param>
internal sealed record UpgradeFiles(int Changed, int Added, int Removed, int Outside);

/// <param name="Level"><c>info</c>, <c>warning</c> or <c>error</c>.</param>
internal sealed record UpgradeMessage(string Level, string Message);
