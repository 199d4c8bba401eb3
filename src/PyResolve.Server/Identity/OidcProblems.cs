using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Identity;

/// <summary>The problems that a person reads who comes back without a session. Nothing of them is from the address or the issuer.</summary>
internal static class OidcProblems
{
    public static ProblemResult Denied(string name) => new(Problems.Unauthenticated(
        $"{name} says that you did not agree to sign in. Try again, or sign in another way."));

    public static ProblemResult NotCompleted(string name) => new(Problems.Unauthenticated(
        $"The sign-in with {name} was not completed: it may be too old, or was used already. Try again, or sign in another way."))
    {
        SecurityEvent = SecurityEvents.LoginFailed,
    };

    public static ProblemResult Unavailable(string name) => new(
        Problems.Create(503, ProblemCodes.Unavailable, $"{name} does not answer. Try again in a minute, or sign in another way."),
        TimeSpan.FromMinutes(1));

    public static bool IsOutOfReach(Exception? failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpRequestException or IOException or TimeoutException or OperationCanceledException
                or IssuerUnavailableException)
                return true;
        }

        return false;
    }
}
