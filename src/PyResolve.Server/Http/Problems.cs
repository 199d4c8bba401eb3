using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

/// <summary>Every error that a client can see, by its status and stable code.</summary>
internal static class Problems
{
    public static Problem Malformed(string detail) => Create(400, ProblemCodes.Malformed, detail);

    public static Problem Unauthenticated(string detail) => Create(401, ProblemCodes.Unauthenticated, detail);

    public static Problem Forbidden(string code, string detail) => Create(403, code, detail);

    public static Problem NotFound(string detail) => Create(404, ProblemCodes.NotFound, detail);

    public static Problem Conflict(string detail) => Create(409, ProblemCodes.Conflict, detail);

    public static Problem Invalid(IReadOnlyDictionary<string, IReadOnlyList<string>> errors) =>
        Create(422, ProblemCodes.Invalid, string.Join(" ", errors.SelectMany(field => field.Value.Select(error => $"{field.Key}: {error}"))))
            with { Errors = errors };

    public static Problem Invalid(string field, string error) =>
        Invalid(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [field] = [error] });

    public static Problem Create(int status, string code, string detail) => new()
    {
        Type = $"urn:pyresolve:problem:{code}",
        Title = ReasonPhrases.GetReasonPhrase(status),
        Status = status,
        Code = code,
        Detail = detail,
    };

    /// <summary>The problem for a status that carries nothing yet: what routing, the server or a size limit refused.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        404 => NotFound("There is nothing at this path. GET /openapi/v1.json lists what there is."),
        405 => Create(405, ProblemCodes.MethodNotAllowed, "This path does not know this method. The Allow header lists those that it knows."),
        413 => Create(413, ProblemCodes.TooLarge, "The body is larger than this route takes."),
        415 => Create(415, ProblemCodes.UnsupportedMediaType, "Send the body as application/json in UTF-8."),
        _ => Create(status, status < 500 ? ProblemCodes.Malformed : ProblemCodes.Internal, ReasonPhrases.GetReasonPhrase(status) + "."),
    };

    /// <summary>Writes a problem as the whole answer: problem details, or a page where people look.</summary>
    public static Task WriteAsync(this HttpContext http, Problem problem, TimeSpan? retryAfter = null)
    {
        if (retryAfter is { } delay)
            http.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        if (http.GetEndpoint()?.Metadata.GetMetadata<ProblemView>() is { } view)
            return view.WriteAsync(http, problem);

        var status = problem.Status ?? 500;
        http.Response.StatusCode = status;
        http.Response.Headers["X-Request-Id"] = http.TraceIdentifier;
        http.Response.Headers.CacheControl = "no-store";
        if (status == 401)
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"PyResolve\"";
        return http.Response.WriteJsonAsync(problem with { RequestId = http.TraceIdentifier }, WireJson.Default.Problem, "application/problem+json");
    }
}

/// <summary>On a route that people look at: writes its problems as it writes itself.</summary>
internal sealed record ProblemView(Func<HttpContext, Problem, Task> WriteAsync);

/// <summary>Ends a request with a problem. For what a careful client never meets; frequent refusals are written without a throw.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem => problem;
}

/// <summary>A problem as an endpoint's result.</summary>
/// <param name="problem">What the client is told.</param>
/// <param name="retryAfter">When the request may be sent again, where waiting helps.</param>
internal sealed class ProblemResult(Problem problem, TimeSpan? retryAfter = null) : IResult
{
    public Problem Problem => problem;

    public TimeSpan? RetryAfter => retryAfter;

    public Task ExecuteAsync(HttpContext httpContext) => httpContext.WriteAsync(problem, retryAfter);
}
