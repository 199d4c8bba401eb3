using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>A request that a scripted server got.</summary>
public sealed record Received(string Route, string? ApiKey, string? IdempotencyKey, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;
}

/// <summary>HTTP on loopback that answers as the test says, and 404 for the rest.</summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, RequestDelegate> _answers = new();
    private readonly ConcurrentQueue<Received> _received = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly WebApplication _app;

    private ScriptedServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public IReadOnlyList<Received> Requests => [.. _received];

    public IEnumerable<string> Routes => _received.Select(r => r.Route);

    public static async Task<ScriptedServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ScriptedServer(builder.Build());
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync(TestContext.Current.CancellationToken);
        return server;
    }

    public ScriptedServer On<T>(string route, T body, JsonTypeInfo<T> type, int status = 200) =>
        On(route, status, status < 400 ? "application/json" : "application/problem+json", JsonSerializer.Serialize(body, type));

    public ScriptedServer On(string route, int status, string contentType, string body)
    {
        _answers[route] = context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = contentType;
            return context.Response.WriteAsync(body);
        };
        return this;
    }

    /// <summary>Takes the request and keeps silent.</summary>
    public ScriptedServer OnNeverAnswering(string route)
    {
        _answers[route] = context => Task.Delay(Timeout.Infinite, CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _closing.Token).Token);
        return this;
    }

    /// <summary>Stops it: nothing listens any more. Does nothing the second time.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closing.IsCancellationRequested)
            return;
        await _closing.CancelAsync();
        await _app.DisposeAsync();
        _closing.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var route = $"{context.Request.Method} {context.Request.Path}";
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        _received.Enqueue(new Received(route, context.Request.Headers["X-API-Key"], context.Request.Headers["Idempotency-Key"], body));
        if (!_answers.TryGetValue(route, out var answer))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        try
        {
            await answer(context);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }
}
