using System.Net;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.Contract;

internal static class Problems
{
    public static Problem Malformed(string detail) => Create(400, ProblemCodes.Malformed, detail);

    public static Problem Unauthenticated(string detail) => Create(401, ProblemCodes.Unauthenticated, detail);

    public static Problem Forbidden(string code, string detail) => Create(403, code, detail);

    public static Problem NotFound(string detail) => Create(404, ProblemCodes.NotFound, detail);

    public static Problem Conflict(string detail) => Create(409, ProblemCodes.Conflict, detail);

    public static Problem Invalid(IReadOnlyDictionary<string, IReadOnlyList<string>> errors) =>
        Create(422, ProblemCodes.Invalid, string.Join(
            " ", errors.SelectMany(static field => field.Value.Select(error => $"{field.Key}: {error}"))))
            with { Errors = errors };

    public static Problem Invalid(string field, string error) =>
        Invalid(new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { [field] = [error] });

    public static Problem Create(int status, string code, string detail)
    {
        using var response = new HttpResponseMessage((HttpStatusCode)status);
        var type = $"urn:pyresolve:problem:{code}";
        return new() { Type = type, Title = response.ReasonPhrase, Status = status, Code = code, Detail = detail };
    }

    public static string CodeOf(int status) => status switch
    {
        401 => ProblemCodes.Unauthenticated,
        402 => ProblemCodes.QuotaExceeded,
        403 => ProblemCodes.ScopeMissing,
        404 => ProblemCodes.NotFound,
        405 => ProblemCodes.MethodNotAllowed,
        409 => ProblemCodes.Conflict,
        413 => ProblemCodes.TooLarge,
        415 => ProblemCodes.UnsupportedMediaType,
        422 => ProblemCodes.Invalid,
        429 => ProblemCodes.RateLimited,
        503 => ProblemCodes.Unavailable,
        >= 500 => ProblemCodes.Internal,
        _ => ProblemCodes.Malformed,
    };
}

internal sealed class ProblemException(Problem problem, TimeSpan? retryAfter = null) : Exception(problem.Detail)
{
    public Problem Problem => problem;

    public TimeSpan? RetryAfter => retryAfter;
}
