using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api;

/// <summary>Everything under <c>/v1</c>: who asks, whether it is well formed, whether it was asked before, and then the call itself.</summary>
internal sealed class StripeApi(World world, Faults faults, RequestLog log)
{
    private const string VersionHeader = "Stripe-Version";
    private const string KeyHeader = "Idempotency-Key";
    private const int LongestKey = 255;
    private const int LargestBody = 1 << 20;

    private readonly Idempotency _idempotency = new(world.Clock);

    private sealed record Asked(Route Route, string Version, Form Form, string RequestId, string? Key, string Fingerprint);

    public async Task HandleAsync(HttpContext http)
    {
        string requestId;
        lock (world.Gate)
            requestId = world.Ids.Next("req");
        http.Response.Headers["Request-Id"] = requestId;
        http.Response.Headers.Date = world.Clock.Real.GetUtcNow().ToString("R");
        try
        {
            await AnswerAsync(http, await ReadAsync(http, requestId));
        }
        catch (StripeException refused)
        {
            await WriteAsync(http, refused.Status, Json.Bytes(refused.Render()));
        }
    }

    private async Task AnswerAsync(HttpContext http, Asked asked)
    {
        log.Count(asked.Route.Name);
        if (faults.Take(asked.Route.Name, FaultMoment.BeforeEffect) is { } before)
        {
            await FailAsync(http, before);
            return;
        }

        if (asked.Key is not null)
            http.Response.Headers[KeyHeader] = asked.Key;
        if (asked.Key is not null && !_idempotency.TryBegin(asked.Key, asked.Fingerprint, out var kept))
        {
            http.Response.Headers["Idempotent-Replayed"] = "true";
            http.Response.Headers["Original-Request"] = kept.RequestId;
            await WriteAsync(http, kept.Status, kept.Body);
            return;
        }

        var answer = await ExecuteAsync(http, asked);
        if (faults.Take(asked.Route.Name, FaultMoment.AfterEffect) is { } after)
            await FailAsync(http, after);
        else
            await WriteAsync(http, answer.Status, answer.Body);
    }

    private async Task<KeptAnswer> ExecuteAsync(HttpContext http, Asked asked)
    {
        var isKept = false;
        try
        {
            asked.Route.Rule.Check(asked.Form);
            var (before, after) = faults.DelayOf(http.Request.Method);
            await WaitAsync(before, http.RequestAborted);
            var answer = Execute(http, asked);
            if (asked.Key is not null)
                _idempotency.Keep(asked.Key, answer);
            isKept = true;
            await WaitAsync(after, http.RequestAborted);
            return answer;
        }
        finally
        {
            if (asked.Key is not null && !isKept)
                _idempotency.Forget(asked.Key);
        }
    }

    private KeptAnswer Execute(HttpContext http, Asked asked)
    {
        lock (world.Gate)
        {
            Passage.CatchUp(world);
            var cause = world.Events.Cause;
            world.Events.Cause = new Cause(asked.RequestId, asked.Key);
            try
            {
                var call = new ApiCall(world, asked.Route.Id, asked.Form, asked.Version, BaseUrlOf(http.Request));
                var answer = VersionChanges.Apply(asked.Route.Handler(call), asked.Version);
                Expansion.Apply(world, answer, asked.Form, asked.Version);
                return new KeptAnswer(StatusCodes.Status200OK, Json.Bytes(answer), asked.RequestId);
            }
            catch (StripeException refused) when (!refused.IsBeforeExecution)
            {
                return new KeptAnswer(refused.Status, Json.Bytes(refused.Render()), asked.RequestId);
            }
            finally
            {
                world.Events.Cause = cause;
            }
        }
    }

    private async Task<Asked> ReadAsync(HttpContext http, string requestId)
    {
        var request = http.Request;
        SecretKeys.Check(request, world.Options.SecretKey);
        var version = request.Headers[VersionHeader].ToString() is { Length: > 0 } named ? named : world.Options.ApiVersion;
        if (!VersionChanges.IsVersion(version))
            throw StripeException.Malformed($"Invalid Stripe API version: {version}");
        http.Response.Headers[VersionHeader] = version;
        var route = Routes.Find(request.Method, request.Path.Value!) ?? throw StripeException.UnknownRoute(request.Method, request.Path.Value!);
        var query = (request.QueryString.Value ?? "").TrimStart('?');
        var body = await ReadBodyAsync(request);
        var key = request.Method == "POST" && request.Headers[KeyHeader].ToString() is { Length: > 0 } given ? given : null;
        if (key?.Length > LongestKey)
            throw StripeException.Malformed($"Idempotency keys have at most {LongestKey} characters.");
        return new Asked(route, version, Form.Parse(query, body), requestId, key, $"{request.Method} {request.Path} {query}\n{body}");
    }

    private static async Task<string> ReadBodyAsync(HttpRequest request)
    {
        if (request.ContentLength is > LargestBody)
            throw StripeException.Malformed("The request body is too large.");
        using var reader = new StreamReader(request.Body);
        var body = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        if (body.Length == 0)
            return body;
        if (request.Method == "GET")
            throw StripeException.Malformed("A GET carries its parameters in the query.");
        return request.ContentType?.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) == true
            ? body
            : throw StripeException.Malformed("The body must be application/x-www-form-urlencoded.");
    }

    private static string BaseUrlOf(HttpRequest request) => $"{request.Scheme}://{request.Host}";

    private static async Task FailAsync(HttpContext http, Fault fault)
    {
        if (fault.Status == 0)
        {
            http.Abort();
            return;
        }

        if (fault.ShouldRetry is { } shouldRetry)
            http.Response.Headers["Stripe-Should-Retry"] = shouldRetry ? "true" : "false";

        var error = new JsonObject
        {
            ["error"] = new JsonObject { ["message"] = "The simulator was told to fail this request.", ["type"] = "api_error" },
        };
        if (fault.Status == StatusCodes.Status429TooManyRequests)
            error["error"]!["code"] = "rate_limit";
        await WriteAsync(http, fault.Status, Json.Bytes(error));
    }

    private static async Task WriteAsync(HttpContext http, int status, byte[] body)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }

    /// <summary>A slow network is slow in real time, whatever clock the simulator lives by.</summary>
    private static Task WaitAsync(TimeSpan time, CancellationToken cancellationToken) =>
        time > TimeSpan.Zero ? Task.Delay(time, TimeProvider.System, cancellationToken) : Task.CompletedTask;
}
