using PyResolve.Server.Http;

namespace PyResolve.Server.Access;

/// <summary>The caller's account was deleted by hand after its key or session was found good: the same answer as a moment later.</summary>
internal static class AccountGone
{
    public static ProblemException Exception() => new(Problems.Unauthenticated("Invalid or revoked API key"));
}
