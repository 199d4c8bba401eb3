namespace PyResolve.Server.Access;

/// <summary>
/// The answer where manual SQL deleted the account after its key or session was checked: the same as to the next request.
/// </summary>
internal static class AccountGone
{
    public static ProblemException Exception() => new(Problems.Unauthenticated(ProblemTexts.ApiKeyUnknown));
}
