using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server;

/// <summary>
/// Kestrel refuses a request that it cannot read before any middleware sees it, with an empty body. It tells diagnostics first: then there
/// is time to write problem details instead. Over HTTP/2 it resets the stream, which has no body.
/// </summary>
internal sealed class UnreadableRequests : IObserver<KeyValuePair<string, object?>>
{
    private const string Refused = "Microsoft.AspNetCore.Server.Kestrel.BadRequest";

    public static void UseOn(WebApplication app)
    {
        var subscription = app.Services.GetRequiredService<DiagnosticListener>()
            .Subscribe(new UnreadableRequests(), static name => name == Refused);
        app.Lifetime.ApplicationStopped.Register(subscription.Dispose);
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not IFeatureCollection features
            || features.Get<IBadRequestExceptionFeature>()?.Error is not BadHttpRequestException refusal
            || features.Get<IHttpResponseFeature>() is not { HasStarted: false } response
            || features.Get<IHttpResponseBodyFeature>() is not { } body
            || features.Get<IConnectionTransportFeature>() is not { Transport.Output: var connection }
            || HttpProtocol.IsHttp2(features.Get<IHttpRequestFeature>()?.Protocol ?? ""))
        {
            return;
        }

        var requestId = features.Get<IHttpRequestIdentifierFeature>()?.TraceIdentifier;
        // Kestrel quotes what it refuses only in its log: '' is left.
        var detail = refusal.Message.Replace(": ''", ".", StringComparison.Ordinal);
        var problem = (refusal.StatusCode == 400 ? Problems.Malformed(detail) : ProblemAnswers.ForStatus(refusal.StatusCode))
            with { RequestId = requestId };
        var json = JsonSerializer.SerializeToUtf8Bytes(problem, WireJson.Default.Problem);
        response.StatusCode = refusal.StatusCode;
        response.Headers.ContentType = "application/problem+json";
        response.Headers.ContentLength = json.Length;
        response.Headers.CacheControl = "no-store";
        response.Headers.Connection = "close";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["X-Request-Id"] = requestId;
        // There is no body to write to yet. Both are short enough for Kestrel's buffer, and do not wait for the client.
        body.StartAsync().GetAwaiter().GetResult();
        connection.WriteAsync(json).AsTask().GetAwaiter().GetResult();
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }
}
