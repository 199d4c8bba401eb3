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
[JsonSerializable(typeof(HoldsReport))]
[JsonSerializable(typeof(PrepaidReport))]
[JsonSerializable(typeof(LoginReport))]
[JsonSerializable(typeof(LogoutReport))]
[JsonSerializable(typeof(ProfileReport))]
[JsonSerializable(typeof(RemovedProfileReport))]
[JsonSerializable(typeof(RevokedKeyReport))]
[JsonSerializable(typeof(PathReport))]
[JsonSerializable(typeof(QuotaReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(RecordedReport))]
[JsonSerializable(typeof(RefusalReport))]
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
    Guid UserId, string Email, string Plan, string Server, StatusKey Key, JsonElement Quota, StatusWaiting Waiting,
    IReadOnlyList<PrepaidEntry> Prepaid) : Report
{
    /// <summary>Only with <c>--explain</c>, where a decision is known.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Explanation? LastDecision { get; init; }
}

/// <param name="Decision"><c>granted</c> or <c>denied</c>.</param>
/// <param name="Receipt">Why the server granted the reservation; <c>null</c> where there is none.</param>
/// <param name="Code">Why it was denied, as a stable word.</param>
/// <param name="Reason">For people.</param>
internal sealed record Explanation(
    string Decision, DateTimeOffset At, string Library, string Tier, bool Offline, Guid? ReservationId, string? State,
    JsonElement? Receipt, string? Code, string? Reason, string? Hint);

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

/// <param name="LeasesReturned">Prepaid migrations that were over: how many leases of them went back.</param>
internal sealed record SyncReport(long Sent, long Waiting, long Rejected, int LeasesReturned) : Report;

internal sealed record DoctorReport(bool Ok, IReadOnlyList<DoctorFinding> Checks) : Report;

/// <param name="Status"><c>ok</c>, <c>warning</c> or <c>failed</c>.</param>
internal sealed record DoctorFinding(string Name, string Status, string Detail, string? Fix);

internal sealed record HoldsReport(IReadOnlyList<HoldEntry> Holds) : Report;

/// <param name="Prepaid">Whether it is a lease, which a machine spends without a network.</param>
internal sealed record HoldEntry(
    Guid Id, string? Library, string Tier, int Quantity, int Remaining, string Month, DateTimeOffset ExpiresAt, bool Prepaid);

internal sealed record PrepaidReport(IReadOnlyList<PrepaidEntry> Prepaid) : Report;

/// <param name="Problem">Why what else is stored on the machine cannot be spent.</param>
internal sealed record PrepaidEntry(string Tier, int Remaining, DateTimeOffset? ExpiresAt, string? Problem);

internal sealed record LoginReport(
    string Email, string Plan, string Server, JsonElement Quota, string ConfigPath, string? Profile) : Report;

/// <param name="Removed">How many keys were removed.</param>
internal sealed record LogoutReport(int Removed) : Report;

internal sealed record ProfileReport(string Profile) : Report;

/// <param name="Server">The server on which the key stays valid; <c>null</c> for the public one, or where there was no key.</param>
internal sealed record RemovedProfileReport(string Profile, string? KeyPrefix, string? Server) : Report;

internal sealed record RevokedKeyReport(Guid Revoked) : Report;

internal sealed record PathReport(string Path) : Report;

internal sealed record SettingReport(string Name, string? Value) : Report;
