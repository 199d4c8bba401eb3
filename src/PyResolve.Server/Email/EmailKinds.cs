namespace PyResolve.Server.Email;

internal static class EmailKinds
{
    public const string Verification = "verify";
    public const string Reset = "reset";
    public const string Invitation = "invite";
    public const string Leak = "leak";
}
