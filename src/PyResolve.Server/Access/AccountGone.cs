namespace PyResolve.Server.Access;

/// <summary>The account was deleted by manual SQL after its key or session was checked: the same answer as to the next request.</summary>
internal static class AccountGone
{
    public static ProblemException Exception() => new(Problems.Unauthenticated(ProblemTexts.ApiKeyUnknown));
}
