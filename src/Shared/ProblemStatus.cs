using PyResolve.Client.Wire;

namespace PyResolve;

/// <summary>The usual code of a status. Compiled into PyResolve.Client and PyResolve.Testing.</summary>
internal static class ProblemStatus
{
    public static string CodeOf(int status) => status switch
    {
        401 => ProblemCodes.Unauthenticated,
        402 => ProblemCodes.QuotaExceeded,
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
