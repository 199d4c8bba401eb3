using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;

namespace PyResolve.Server.Tests.Billing;

/// <summary>A request as it arrived: its parameters in order, from the query or the form.</summary>
internal sealed record EdgeRequest(
    string Method, string Path, IReadOnlyList<KeyValuePair<string, string>> Parameters, string Raw, IHeaderDictionary Headers)
{
    public string? this[string name] =>
        Parameters.Where(parameter => parameter.Key == name).Select(parameter => parameter.Value).SingleOrDefault();
}

/// <summary>
/// An HTTP server in Stripe's place that gives scripted answers and records the requests, for answers that a simulator does not give.
/// </summary>
internal sealed class StripeEdge : IAsyncDisposable
{
    public const string Key = "sk_test_51Abc0123456789";

    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _script = new();
    private readonly ConcurrentQueue<EdgeRequest> _requests = new();

    private StripeEdge(WebApplication app, int? requestsPerSecond, IReadOnlyDictionary<string, string?>? settings)
    {
        _app = app;
        var all = new Dictionary<string, string?>(settings ?? new Dictionary<string, string?>())
        {
            ["STRIPE_SECRET_KEY"] = Key,
            ["STRIPE_API_BASE"] = app.Urls.Single(),
            ["PyResolve:Stripe:RequestsPerSecond"] = requestsPerSecond?.ToString(CultureInfo.InvariantCulture),
        };
        Options = BillingOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(all).Build());
    }

    public BillingOptions Options { get; }

    public IReadOnlyList<EdgeRequest> Requests => [.. _requests];

    /// <summary>The answer after the scripted ones.</summary>
    public string Otherwise { get; set; } = """{"id":"x_1","object":"thing","url":"https://x.example","status":"active","data":[],"has_more":false}""";

    public IStripeGateway Gateway { get; private set; } = null!;

    /// <param name="timeout">The limit of one attempt; by default as in production.</param>
    /// <param name="requestsPerSecond">By default as in production.</param>
    /// <param name="settings">More settings.</param>
    public static async Task<StripeEdge> StartAsync(
        TimeSpan? timeout = null, int? requestsPerSecond = null, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        StripeEdge? edge = null;
        app.Run(http => edge!.AnswerAsync(http));
        await app.StartAsync();
        edge = new StripeEdge(app, requestsPerSecond, settings);
        edge.Gateway = new StripeGateway(edge.Options, TimeProvider.System, timeout);
        return edge;
    }

    /// <summary>Adds an answer, given once.</summary>
    public StripeEdge Then(int status, string body, params (string Name, string Value)[] headers) => Then(http =>
    {
        http.Response.StatusCode = status;
        foreach (var (name, value) in headers)
            http.Response.Headers[name] = value;
        return http.Response.WriteAsync(body);
    });

    public StripeEdge Then(Func<HttpContext, Task> answer)
    {
        _script.Enqueue(answer);
        return this;
    }

    /// <summary>Breaks the connection instead of answering.</summary>
    public StripeEdge ThenBreaks() => Then(static http =>
    {
        http.Abort();
        return Task.CompletedTask;
    });

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var body = await reader.ReadToEndAsync();
        var raw = http.Request.Method == "POST" ? body : http.Request.QueryString.Value?.TrimStart('?') ?? "";
        var parameters = QueryHelpers.ParseQuery(raw)
            .SelectMany(static pair => pair.Value, static (pair, value) => KeyValuePair.Create(pair.Key, value ?? ""))
            .ToList();
        _requests.Enqueue(
            new EdgeRequest(
                http.Request.Method, http.Request.Path, parameters, raw, new HeaderDictionary(http.Request.Headers.ToDictionary())));
        if (_script.TryDequeue(out var answer))
            await answer(http);
        else
            await http.Response.WriteAsync(Otherwise);
    }
}
