namespace PyResolve.Server.Email;

/// <summary>The column <c>kind</c> of a queued email.</summary>
internal static class EmailKinds
{
    public const string Verification = "verify";
    public const string Reset = "reset";
    public const string Leak = "leak";
}
