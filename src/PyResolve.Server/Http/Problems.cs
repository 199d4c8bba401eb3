using System.Globalization;
using Microsoft.AspNetCore.WebUtilities;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Http;

internal static class Problems
{
    public static Problem Malformed(string detail) => Create(400, ProblemCodes.Malformed, detail);

    public static Problem Unauthenticated(string detail) => Create(401, ProblemCodes.Unauthenticated, detail);

    public static Problem Forbidden(string code, string detail) => Create(403, code, detail);

    public static Problem NotFound(string detail) => Create(404, ProblemCodes.NotFound, detail);

    public static Problem Conflict(string detail) => Create(409, ProblemCodes.Conflict, detail);

    public static Problem Invalid(IReadOnlyDictionary<string, IReadOnlyList<string>> errors) =>
        Create(
            422, ProblemCodes.Invalid, string.Join(" ", errors.SelectMany(field => field.Value.Select(error => $"{field.Key}: {error}"))))
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

    /// <summary>For a status without a body, set by routing, the server or a size limit.</summary>
    public static Problem ForStatus(int status) => status switch
    {
        404 => NotFound("There is nothing at this path. GET /openapi/v1.json lists what there is."),
        405 =>
            Create(405, ProblemCodes.MethodNotAllowed, "This path does not know this method. The Allow header lists those that it knows."),
        413 => Create(413, ProblemCodes.TooLarge, "The body is larger than this route takes."),
        415 => Create(415, ProblemCodes.UnsupportedMediaType, "Send the body as application/json in UTF-8."),
        _ => Create(status, status < 500 ? ProblemCodes.Malformed : ProblemCodes.Internal, ReasonPhrases.GetReasonPhrase(status) + "."),
    };

    /// <summary>Writes the whole answer: problem details, or a page on routes that have a <see cref="ProblemView"/>.</summary>
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
        return http.Response.WriteJsonAsync(
            problem with { RequestId = http.TraceIdentifier }, WireJson.Default.Problem, "application/problem+json");
    }
}

/// <summary>Metadata of the routes of web pages: writes a problem as a page.</summary>
internal sealed record ProblemView(Func<HttpContext, Problem, Task> WriteAsync);

/// <summary>For problems that a careful client never causes. Frequent ones are returned, because a throw costs more.</summary>
internal sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    public Problem Problem => problem;
}

internal sealed class ProblemResult(Problem problem, TimeSpan? retryAfter = null) : IResult
{
    public Problem Problem => problem;

    public TimeSpan? RetryAfter => retryAfter;

    public Task ExecuteAsync(HttpContext httpContext) => httpContext.WriteAsync(problem, retryAfter);
}
