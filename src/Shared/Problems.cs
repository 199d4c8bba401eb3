using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>The problems of the contract, by status and code. Compiled into the server and into PyResolve.Testing.</summary>
internal static class Problems
{
    public static Problem Malformed(string detail) => Create(400, ProblemCodes.Malformed, detail);

    public static Problem Unauthenticated(string detail) => Create(401, ProblemCodes.Unauthenticated, detail);

    public static Problem Forbidden(string code, string detail) => Create(403, code, detail);

    public static Problem NotFound(string detail) => Create(404, ProblemCodes.NotFound, detail);

    public static Problem Conflict(string detail) => Create(409, ProblemCodes.Conflict, detail);

    public static Problem Invalid(IReadOnlyDictionary<string, IReadOnlyList<string>> errors)
    {
        var sentences = errors.SelectMany(static field => field.Value.Select(error => $"{field.Key}: {error}"));
        return Create(422, ProblemCodes.Invalid, string.Join(" ", sentences)) with { Errors = errors };
    }

    public static Problem Invalid(string field, string error) =>
        Invalid(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [field] = [error] });

    public static Problem Create(int status, string code, string detail) => new()
    {
        Type = $"urn:pyresolve:problem:{code}",
        Title = ReasonPhrase(status),
        Status = status,
        Code = code,
        Detail = detail,
    };

    /// <summary>ASP.NET Core and HttpClient have different words for some of them.</summary>
    private static string? ReasonPhrase(int status) => status switch
    {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => null,
    };
}

/// <summary>Ends a request with a problem. For what a careful client never meets; frequent refusals are written without a throw.</summary>
internal sealed class ProblemException(Problem problem, TimeSpan? retryAfter = null) : Exception(problem.Detail)
{
    public Problem Problem => problem;

    public TimeSpan? RetryAfter => retryAfter;
}
