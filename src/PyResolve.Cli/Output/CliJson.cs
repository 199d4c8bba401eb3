using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Output;

/// <summary>
/// What <c>--json</c> writes. Each has <c>"version": 1</c>: members may be added, and none is removed or changes its meaning without a new
/// version.
/// </summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true)]
[JsonSerializable(typeof(ErrorReport))]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(UsageReport))]
[JsonSerializable(typeof(HistoryReport))]
[JsonSerializable(typeof(KeysReport))]
[JsonSerializable(typeof(NewKeyReport))]
[JsonSerializable(typeof(PlansReport))]
[JsonSerializable(typeof(LinkReport))]
[JsonSerializable(typeof(ProfilesReport))]
[JsonSerializable(typeof(SyncReport))]
[JsonSerializable(typeof(UpgradeReport))]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(SettingReport))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>Text for people and programs, not for web pages: only what JSON itself requires is escaped.</summary>
    private static CliJson Readable => field ??= new(new JsonSerializerOptions(Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    public static string Write<T>(T report)
        where T : Report =>
        JsonSerializer.Serialize(report, (JsonTypeInfo<T>)Readable.GetTypeInfo(typeof(T))!);

    /// <summary>What the server answers, member for member.</summary>
    public static JsonElement Wire<T>(T answer, JsonTypeInfo<T> type) => JsonSerializer.SerializeToElement(answer, type);
}

internal abstract record Report
{
    [JsonPropertyOrder(-1)]
    public int Version => 1;
}

internal sealed record ErrorReport(int ExitCode, string Error, IReadOnlyList<string> Next) : Report;

internal sealed record StatusReport(
    Guid UserId, string Email, string Plan, string Server, StatusKey Key, JsonElement Quota, StatusWaiting Waiting) : Report;

/// <param name="Source"><c>environment</c> or <c>config_file</c>.</param>
internal sealed record StatusKey(string Prefix, string Source, string? ConfigPath, string? Profile);

internal sealed record StatusWaiting(long UsageEvents, long OldestSeconds);

internal sealed record UsageReport(JsonElement Usage) : Report;

internal sealed record HistoryReport(IReadOnlyList<MonthlyUsage> Months) : Report;

internal sealed record KeysReport(IReadOnlyList<ApiKeyInfo> Keys) : Report;

internal sealed record NewKeyReport(
    Guid Id, string Name, string Prefix, IReadOnlyList<string> Scopes, DateTimeOffset? ExpiresAt, string ApiKey,
    DateTimeOffset? PreviousExpiresAt) : Report;

internal sealed record PlansReport(string? Current, JsonElement Plans) : Report;

internal sealed record LinkReport(string Url) : Report;

internal sealed record ProfilesReport(string? Current, IReadOnlyList<string> Profiles) : Report;

internal sealed record SyncReport(long Sent, long Waiting, long Rejected) : Report;

internal sealed record DoctorReport(bool Ok, IReadOnlyList<DoctorFinding> Checks) : Report;

/// <param name="Status"><c>ok</c>, <c>warning</c> or <c>failed</c>.</param>
internal sealed record DoctorFinding(string Name, string Status, string Detail, string? Fix);

internal sealed record SettingReport(string Name, string? Value) : Report;
