using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client.Tests.Drivers;

public sealed record ReceivedRequest(string Method, string Path, IHeaderDictionary Headers, string Body)
{
    public string Query { get; init; } = "";

    public string Route => $"{Method} {Path}";

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value.ToString() : null;
}

/// <summary>A real HTTP server on loopback that gives scripted answers, and records the requests.</summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    public const string Key = "pyr_live_0123456789abcdef0123456789abcdef0123456789abcdef";

    private readonly WebApplication _app;
    private readonly List<(string[] Route, Func<ReceivedRequest, Answer> Answer)> _script = [];
    private readonly ConcurrentDictionary<string, int> _lose = new();
    private readonly ConcurrentDictionary<string, int> _keepBack = new();
    private readonly ConcurrentQueue<ReceivedRequest> _requests = new();
    private readonly TemporaryHome _home = new();

    private ScriptedServer(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single());

    public IReadOnlyList<ReceivedRequest> Requests => [.. _requests];

    /// <summary>The home of its clients, with config file and outbox.</summary>
    public TemporaryHome Home => _home;

    public static async Task<ScriptedServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new ScriptedServer(app);
        app.Run(server.HandleAsync);
        await app.StartAsync();
        return server;
    }

    /// <summary>A client whose pauses take no time.</summary>
    public PyResolveClient SkippingClient(SkippingClock clock) =>
        new(new HttpClient(), new() { ApiUrl = Url, ApiKey = Key, Home = _home.Path, RequestTimeout = SkippingClock.Limit }, clock);

    /// <summary>Answers a route, such as <c>POST /quota/reservations/*/commit</c>.</summary>
    public ScriptedServer On(string route, Func<ReceivedRequest, Answer> answer)
    {
        _script.Add((route.Split('/'), answer));
        return this;
    }

    /// <summary>Answers a route with each of these in turn, then always with the last.</summary>
    public ScriptedServer On(string route, params Answer[] answers)
    {
        var next = 0;
        return On(route, _ => answers[Math.Min(Interlocked.Increment(ref next), answers.Length) - 1]);
    }

    /// <summary>Processes the next requests of a route, and drops the answers.</summary>
    public ScriptedServer LoseAnswers(string route, int count)
    {
        _lose[route] = count;
        return this;
    }

    /// <summary>Processes the next requests of a route, and never answers.</summary>
    public ScriptedServer AnswerNever(string route, int count)
    {
        _keepBack[route] = count;
        return this;
    }

    public PyResolveClient Client(Action<PyResolveClientOptions>? configure = null)
    {
        var options = new PyResolveClientOptions { ApiUrl = Url, ApiKey = Key, Home = _home.Path };
        configure?.Invoke(options);
        return PyResolveClient.Create(options);
    }

    /// <summary>A client with another clock.</summary>
    public PyResolveClient ClientWithClock(ShiftedClock clock, Action<PyResolveClientOptions>? configure = null)
    {
        var http = new HttpClient();
        var options = new PyResolveClientOptions { ApiUrl = Url, ApiKey = Key, Home = _home.Path };
        configure?.Invoke(options);
        return new(options, () => http, http, clock);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _home.Dispose();
    }

    private async Task HandleAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var request = new ReceivedRequest(
            http.Request.Method, http.Request.Path, new HeaderDictionary(http.Request.Headers.ToDictionary()), await reader.ReadToEndAsync(
                ))
        {
            Query = http.Request.QueryString.Value ?? "",
        };
        _requests.Enqueue(request);
        var scripted = _script.Find(line => Matches(line.Route, request.Route.Split('/')));
        var answer = scripted.Answer is null ? Answer.Problem(
            404, "not_found", $"Nothing is scripted for {request.Route}.") : scripted.Answer(request);
        var isLost = IsDue(_lose, scripted.Route);
        var isKeptBack = IsDue(_keepBack, scripted.Route);
        if (answer.Delay > TimeSpan.Zero)
            await Task.Delay(answer.Delay);
        if (isLost || answer.Status == Answer.ConnectionClosed.Status)
            http.Abort();
        else if (isKeptBack || answer.Status == Answer.Never.Status)
            await Task.Delay(Timeout.Infinite, http.RequestAborted).ContinueWith(static _ => { }, TaskScheduler.Default);
        else
            await WriteAsync(http.Response, answer);
    }

    private static bool IsDue(ConcurrentDictionary<string, int> counts, string[]? route) =>
        route is not null && counts.AddOrUpdate(string.Join('/', route), -1, static (_, left) => left - 1) >= 0;

    private static async Task WriteAsync(HttpResponse response, Answer answer)
    {
        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
            response.Headers[name] = value;
        if (answer.ContentType.Length == 0)
            return;
        response.ContentType = answer.ContentType;
        await response.WriteAsync(answer.Body);
        if (!answer.IsCutShort)
            return;
        await response.Body.FlushAsync();
        response.HttpContext.Abort();
    }

    private static bool Matches(string[] route, string[] path) =>
        route.Length == path.Length && route.Zip(path).All(static pair => pair.First == "*" || pair.First == pair.Second);
}
