using System.Collections.Generic;

namespace PyResolve.MSBuild;

internal enum GateLevel
{
    Error,
    Warning,

    /// <summary>A message that is always shown, and never fails a build.</summary>
    Notice,
}

internal sealed class GateDiagnostic(string code, GateLevel level, string title)
{
    public string Code => code;

    public GateLevel Level => level;

    /// <summary>The title of its page, docs/diagnostics/{code}.md.</summary>
    public string Title => title;

    public string HelpLink => $"https://pyresolve.dev/docs/diagnostics/{code}";
}

/// <summary>Every diagnostic of the gate. A code is never used for anything else, also after it is gone.</summary>
internal static class GateDiagnostics
{
    public static GateDiagnostic QuotaExceeded { get; } = new("PYR0001", GateLevel.Error, "The month's quota is used up");

    public static GateDiagnostic PlanLacksTier { get; } = new("PYR0002", GateLevel.Error, "The plan does not include the tier");

    public static GateDiagnostic NoApiKey { get; } = new("PYR0003", GateLevel.Error, "The migration needs an API key, and there is none");

    public static GateDiagnostic BadApiKey { get; } = new("PYR0004", GateLevel.Error, "The API key is not accepted");

    public static GateDiagnostic OfflineDenied { get; } =
        new("PYR0005", GateLevel.Error, "The server is out of reach, and the offline policy stops the build");

    public static GateDiagnostic OfflineGranted { get; } =
        new("PYR0006", GateLevel.Warning, "The server is out of reach, and the offline policy lets the build go on");

    public static GateDiagnostic ForkWithoutKey { get; } =
        new("PYR0007", GateLevel.Notice, "A pull request from a fork has no API key, and gets tier1");

    public static GateDiagnostic InvalidSettings { get; } = new("PYR0008", GateLevel.Error, "A setting of the gate is not valid");

    public static GateDiagnostic MigratorFailed { get; } = new("PYR0009", GateLevel.Error, "The migrator failed");

    public static GateDiagnostic WorkerFailed { get; } = new("PYR0010", GateLevel.Error, "The gate's worker did not run to its end");

    public static GateDiagnostic ServerFailed { get; } = new("PYR0011", GateLevel.Error, "The server refused the request, or failed");

    public static GateDiagnostic WouldBeDenied { get; } = new("PYR0012", GateLevel.Warning, "CI would deny the migration now");

    public static GateDiagnostic UnknownCommit { get; } =
        new("PYR0013", GateLevel.Warning, "The commit is not known, so that every build is charged");

    public static GateDiagnostic NotRecorded { get; } =
        new("PYR0014", GateLevel.Error, "The migration was granted, but could not be recorded");

    public static IReadOnlyList<GateDiagnostic> All { get; } =
    [
        QuotaExceeded, PlanLacksTier, NoApiKey, BadApiKey, OfflineDenied, OfflineGranted, ForkWithoutKey, InvalidSettings, MigratorFailed,
        WorkerFailed, ServerFailed, WouldBeDenied, UnknownCommit, NotRecorded,
    ];
}
