using Microsoft.Net.Http.Headers;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Http;

/// <summary>Answers exceptions and empty error statuses with problem details: no answer is empty, HTML or a stack trace.</summary>
internal sealed partial class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    private static readonly TimeSpan StoreRetry = TimeSpan.FromSeconds(2);

    private static readonly HashSet<string> Common = new(StringComparer.OrdinalIgnoreCase)
    {
        HeaderNames.AcceptEncoding, HeaderNames.XContentTypeOptions, HeaderNames.StrictTransportSecurity, HeaderNames.Connection,
    };

    public async Task InvokeAsync(HttpContext http)
    {
        try
        {
            await next(http);
            if (http.Response is { HasStarted: false, StatusCode: >= 400, ContentType: null })
            {
                if (http.Response.Headers.Allow is [{ } allowed] && allowed.Split(", ").Contains("GET"))
                    http.Response.Headers.Allow = $"{allowed}, HEAD";
                await http.WriteAsync(ProblemAnswers.ForStatus(http.Response.StatusCode));
            }
        }
        catch (Exception exception) when (!http.Response.HasStarted)
        {
            await AnswerAsync(http, exception);
        }
    }

    private async Task AnswerAsync(HttpContext http, Exception exception)
    {
        ClearExceptCommon(http.Response);
        switch (exception)
        {
            case ProblemException refused:
                await http.WriteAsync(refused.Problem, refused.RetryAfter);
                break;
            case BadHttpRequestException bad:
                await http.WriteAsync(bad.StatusCode == 400 ? Problems.Malformed(bad.Message) : ProblemAnswers.ForStatus(bad.StatusCode));
                break;
            case StoreUnavailableException or TimeoutException:
                Log.StoreUnavailable(logger, http.TraceIdentifier, exception.Message);
                await http.WriteAsync(
                    Problems.Create(
                        503,
                        Client.Wire.ProblemCodes.Unavailable,
                        "The store does not answer. Try again shortly, under the same id or Idempotency-Key where there is one: the change "
                            + "may have been stored."),
                    StoreRetry);
                break;
            case OverloadedException:
                Log.Overloaded(logger, exception.Message, http.TraceIdentifier);
                await http.WriteAsync(
                    Problems.Create(503, Client.Wire.ProblemCodes.Unavailable, exception.Message),
                    OverloadedException.RetryAfter);
                break;
            case OperationCanceledException or IOException when http.RequestAborted.IsCancellationRequested:
                // The client has disconnected.
                http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
                break;
            default:
                Log.Failed(logger, exception, HeadRequests.MethodOf(http), http.Request.Path, http.TraceIdentifier);
                await http.WriteAsync(Problems.Create(
                    500,
                    Client.Wire.ProblemCodes.Internal,
                    "The server failed at this request. Its log has the cause under the request id."));
                break;
        }
    }

    /// <summary>
    /// Clears the headers except those that are on every answer, also on a problem: those of a key's limit and of all routes.
    /// </summary>
    private static void ClearExceptCommon(HttpResponse response)
    {
        var common = response.Headers
            .Where(static header => Common.Contains(header.Key) || header.Key.StartsWith("RateLimit-", StringComparison.Ordinal))
            .ToList();
        response.Clear();
        foreach (var (name, value) in common)
            response.Headers[name] = value;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed (request {RequestId})")]
        public static partial void Failed(ILogger logger, Exception exception, string method, PathString path, string requestId);

        [LoggerMessage(2, LogLevel.Warning, "The store is unavailable (request {RequestId}): {Cause}")]
        public static partial void StoreUnavailable(ILogger logger, string requestId, string cause);

        [LoggerMessage(3, LogLevel.Information, "Refused because the server is overloaded: {Cause} (request {RequestId})")]
        public static partial void Overloaded(ILogger logger, string cause, string requestId);
    }
}
