using System.Text.Json;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>An answer of the scripted server.</summary>
public sealed record Answer(int Status, string ContentType, string Body)
{
    /// <summary>The connection is closed without an answer.</summary>
    public static Answer ConnectionClosed { get; } = new(0, "", "");

    /// <summary>There is no answer until the client closes the connection.</summary>
    public static Answer Never { get; } = new(-1, "", "");

    public static Answer NoContent { get; } = new(204, "", "");

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>The delay before the answer.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Whether the connection is closed before the body is complete.</summary>
    public bool IsCutShort { get; init; }

    public static Answer Json(int status, string body) => new(status, "application/json", body);

    public static Answer Html(int status = 200) => new(status, "text/html", "<html><body>Welcome to the hotel's network</body></html>");

    public static Answer Quota(int used, int limit = 5, bool llm = false) => Json(200, QuotaBody(used, limit, llm));

    public static Answer Problem(int status, string code, string detail, string? upgradeUrl = null, string? resetsAt = null) => new(
        status,
        "application/problem+json",
        JsonSerializer.Serialize(new
        {
            type = "about:blank", title = code, status, detail, code, request_id = "req-1", upgrade_url = upgradeUrl, resets_at = resetsAt,
        }));

    public static Answer Busy(int retryAfterSeconds) => Problem(503, "unavailable", "The server is busy.") with
    {
        Headers = new Dictionary<string, string> { ["Retry-After"] = retryAfterSeconds.ToString() },
    };

    public const string ResetsAt = "2099-12-01T00:00:00Z";

    /// <summary>Of a month that has not ended when the test runs: a quota is remembered until then.</summary>
    public static string QuotaBody(int used, int limit = 5, bool llm = false)
    {
        var remaining = Math.Max(0, limit - used);
        return $$"""
            {"plan":"{{(llm ? "pro" : "free")}}","migrations_used":{{used}},"migrations_limit":{{limit}},"migrations_remaining":{{remaining}},
             "llm_allowed":{{(llm ? "true" : "false")}},"can_migrate":{{(remaining > 0 ? "true" : "false")}},"migrations_held":0,"month":"2099-11","resets_at":"{{ResetsAt}}"}
            """;
    }
}
