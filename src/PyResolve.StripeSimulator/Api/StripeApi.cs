using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api;

internal sealed class StripeApi(StripeState state, InjectedFailures failures, RequestLog log)
{
    private const string VersionHeader = "Stripe-Version";
    private const string KeyHeader = "Idempotency-Key";
    private const int LongestKey = 255;
    private const int LargestBody = 1 << 20;

    private readonly Idempotency _idempotency = new(state.Clock);

    private sealed record ParsedRequest(Route Route, string Version, Form Form, string RequestId, string? Key, string Fingerprint);

    public async Task HandleAsync(HttpContext http)
    {
        string requestId;
        lock (state.Gate)
            requestId = state.Ids.Next("req");
        http.Response.Headers["Request-Id"] = requestId;
        http.Response.Headers.Date = state.Clock.Real.GetUtcNow().ToString("R");
        try
        {
            await AnswerAsync(http, await ReadAsync(http, requestId));
        }
        catch (ApiErrorException error)
        {
            await WriteAsync(http, error.Status, Json.Bytes(error.Render()));
        }
    }

    private async Task AnswerAsync(HttpContext http, ParsedRequest parsed)
    {
        log.Count(parsed.Route.Name);
        if (failures.Take(parsed.Route.Name, FailureMoment.BeforeEffect) is { } before)
        {
            await FailAsync(http, before);
            return;
        }

        if (parsed.Key is not null)
            http.Response.Headers[KeyHeader] = parsed.Key;
        if (parsed.Key is not null && !_idempotency.TryBegin(parsed.Key, parsed.Fingerprint, out var stored))
        {
            http.Response.Headers["Idempotent-Replayed"] = "true";
            http.Response.Headers["Original-Request"] = stored.RequestId;
            await WriteAsync(http, stored.Status, stored.Body);
            return;
        }

        var answer = await ExecuteAsync(http, parsed);
        if (failures.Take(parsed.Route.Name, FailureMoment.AfterEffect) is { } after)
            await FailAsync(http, after);
        else
            await WriteAsync(http, answer.Status, answer.Body);
    }

    private async Task<StoredAnswer> ExecuteAsync(HttpContext http, ParsedRequest parsed)
    {
        var isStored = false;
        try
        {
            parsed.Route.Rule.Check(parsed.Form);
            var (before, after) = failures.NextDelay(http.Request.Method);
            await DelayAsync(before, http.RequestAborted);
            var answer = Execute(http, parsed);
            if (parsed.Key is not null)
                _idempotency.Store(parsed.Key, answer);
            isStored = true;
            await DelayAsync(after, http.RequestAborted);
            return answer;
        }
        finally
        {
            if (parsed.Key is not null && !isStored)
                _idempotency.Remove(parsed.Key);
        }
    }

    private StoredAnswer Execute(HttpContext http, ParsedRequest parsed)
    {
        lock (state.Gate)
        {
            DueChanges.Apply(state);
            var cause = state.Events.Cause;
            state.Events.Cause = new Cause(parsed.RequestId, parsed.Key);
            try
            {
                state.BaseUrl = BaseUrlOf(http.Request);
                var call = new ApiCall(state, parsed.Route.Id, parsed.Form, parsed.Version, state.BaseUrl);
                var answer = ApiVersions.Apply(parsed.Route.Handler(call), parsed.Version);
                Expansion.Apply(state, answer, parsed.Form, parsed.Version);
                return new StoredAnswer(StatusCodes.Status200OK, Json.Bytes(answer), parsed.RequestId);
            }
            catch (ApiErrorException error) when (!error.IsBeforeExecution)
            {
                return new StoredAnswer(error.Status, Json.Bytes(error.Render()), parsed.RequestId);
            }
            finally
            {
                state.Events.Cause = cause;
            }
        }
    }

    private async Task<ParsedRequest> ReadAsync(HttpContext http, string requestId)
    {
        var request = http.Request;
        SecretKeys.Check(request, state.Options.SecretKey);
        var version = request.Headers[VersionHeader].ToString() is { Length: > 0 } named ? named : state.Options.ApiVersion;
        if (!ApiVersions.IsVersion(version))
            throw ApiErrorException.Malformed($"Invalid Stripe API version: {version}");
        http.Response.Headers[VersionHeader] = version;
        var route = Routes.Find(request.Method, request.Path.Value!)
            ?? throw ApiErrorException.UnknownRoute(request.Method, request.Path.Value!);
        var query = (request.QueryString.Value ?? "").TrimStart('?');
        var body = await ReadBodyAsync(request);
        var key = request.Method == "POST" && request.Headers[KeyHeader].ToString() is { Length: > 0 } given ? given : null;
        if (key?.Length > LongestKey)
            throw ApiErrorException.Malformed($"Idempotency keys have at most {LongestKey} characters.");
        return new ParsedRequest(
            route, version, Form.Parse(query, body), requestId, key, $"{request.Method} {request.Path} {query}\n{body}");
    }

    private static async Task<string> ReadBodyAsync(HttpRequest request)
    {
        if (request.ContentLength is > LargestBody)
            throw ApiErrorException.Malformed("The request body is too large.");
        using var reader = new StreamReader(request.Body);
        var body = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        if (body.Length == 0)
            return body;
        if (request.Method == "GET")
            throw ApiErrorException.Malformed("Send the parameters of a GET in the query.");
        return request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true
            ? body
            : throw ApiErrorException.Malformed("The body must be application/x-www-form-urlencoded.");
    }

    private static string BaseUrlOf(HttpRequest request) => $"{request.Scheme}://{request.Host}";

    private static async Task FailAsync(HttpContext http, InjectedFailure failure)
    {
        if (failure.Status == 0)
        {
            http.Abort();
            return;
        }

        if (failure.ShouldRetry is { } shouldRetry)
            http.Response.Headers["Stripe-Should-Retry"] = shouldRetry ? "true" : "false";

        var error = new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = "The simulator failed this request on purpose.", ["type"] = "api_error" },
        };
        if (failure.Status == StatusCodes.Status429TooManyRequests)
            error["error"]!["code"] = "rate_limit";
        await WriteAsync(http, failure.Status, Json.Bytes(error));
    }

    private static async Task WriteAsync(HttpContext http, int status, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>Delays take real time: the simulator's clock may be stopped or moved.</summary>
    private static Task DelayAsync(TimeSpan time, CancellationToken cancellationToken) =>
        time > TimeSpan.Zero ? Task.Delay(time, TimeProvider.System, cancellationToken) : Task.CompletedTask;
}
