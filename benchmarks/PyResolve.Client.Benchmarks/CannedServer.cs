using System.Text;

namespace PyResolve.Client.Benchmarks;

/// <summary>A server in the client's own process: the network is not measured here.</summary>
internal sealed class CannedServer(string? body) : HttpMessageHandler
{
    public const string Quota = """
        {"plan":"pro","migrations_used":12,"migrations_limit":50,"migrations_remaining":38,"llm_allowed":true,"can_migrate":true,
         "migrations_held":0,"month":"2099-12","resets_at":"2100-01-01T00:00:00Z"}
        """;

    public static CannedServer Answering(string body) => new(body);

    /// <summary>Never answers.</summary>
    public static CannedServer Silent() => new(body: null);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (body is null)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        return new() { Content = new StringContent(body!, Encoding.UTF8, "application/json") };
    }
}
