using System.Diagnostics.Metrics;

namespace PyResolve.Server.Http;

/// <summary>Kinds of refusals that an operator should see, as the counter's tag <c>kind</c>.</summary>
internal static class SecurityEvents
{
    public const string LoginFailed = "login_failed";
    public const string Throttled = "throttled";
    public const string CredentialRefused = "credential_refused";
    public const string CrossOriginRefused = "cross_origin_refused";
    public const string WebhookSignatureRefused = "webhook_signature_refused";

    public static IReadOnlyList<string> All { get; } =
        [LoginFailed, Throttled, CredentialRefused, CrossOriginRefused, WebhookSignatureRefused];
}

/// <summary>
/// Counts refusals and logs them: of each kind ten lines a minute, then one with the number of the others, so that an attacker cannot fill
/// the log. Thread-safe.
/// </summary>
internal sealed partial class SecurityLog(IMeterFactory meters, TimeProvider time, ILogger<SecurityLog> logger)
{
    public const int LinesPerWindow = 10;

    private readonly Counter<long> _refusals = meters.Create("PyResolve.Server").CreateCounter<long>(
        "pyresolve.security.refusals", "{request}", "Refused logins, credentials, signatures and origins, by kind.");

    private readonly Dictionary<string, Window> _windows = new(StringComparer.Ordinal);

    public static TimeSpan WindowLength { get; } = TimeSpan.FromMinutes(1);

    public void Report(HttpContext http, string kind)
    {
        Count(kind, 1);
        if (IsLogged(kind))
        {
            Log.Refused(
                logger, kind, http.Request.Path.ToUriComponent(), http.Connection.RemoteIpAddress?.ToString(), http.TraceIdentifier,
                HintFor(kind));
        }
    }

    /// <summary>Writes a 0 for each kind at the start: a rate over one that appears with 1 would miss the first.</summary>
    public void WriteZeros()
    {
        foreach (var kind in SecurityEvents.All)
            Count(kind, 0);
    }

    private void Count(string kind, int refusals) => _refusals.Add(refusals, new KeyValuePair<string, object?>("kind", kind));

    private static string HintFor(string kind) => kind switch
    {
        SecurityEvents.WebhookSignatureRefused =>
            ". If these are Stripe's, STRIPE_WEBHOOK_SECRET is not the signing secret of this endpoint (stripe doctor)",
        SecurityEvents.CrossOriginRefused => ". If people meet this on the server's own pages, set PYRESOLVE_PUBLIC_URL to their address",
        _ => "",
    };

    private bool IsLogged(string kind)
    {
        lock (_windows)
        {
            if (!_windows.TryGetValue(kind, out var window))
            {
                _windows[kind] = window = new Window();
                window.End = time.CreateTimer(_ => EndWindow(kind), state: null, WindowLength, Timeout.InfiniteTimeSpan);
            }

            return ++window.Count <= LinesPerWindow;
        }
    }

    private void EndWindow(string kind)
    {
        long omitted;
        lock (_windows)
        {
            _windows.Remove(kind, out var window);
            window!.End!.Dispose();
            omitted = window.Count - LinesPerWindow;
        }

        if (omitted > 0)
            Log.Omitted(logger, kind, omitted);
    }

    private sealed class Window
    {
        public long Count { get; set; }

        public ITimer? End { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Refused ({Kind}): {Path} from {Address} (request {RequestId}){Hint}")]
        public static partial void Refused(ILogger logger, string kind, string path, string? address, string requestId, string hint);

        [LoggerMessage(2, LogLevel.Warning, "Refused ({Kind}): {Count} more within the last minute")]
        public static partial void Omitted(ILogger logger, string kind, long count);
    }
}

internal static class SecurityReports
{
    public static void ReportRefusal(this HttpContext http, string kind) =>
        http.RequestServices.GetRequiredService<SecurityLog>().Report(http, kind);
}
