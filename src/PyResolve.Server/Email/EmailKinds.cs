namespace PyResolve.Server.Email;

internal static class EmailKinds
{
    public const string Verification = "verify";
    public const string Reset = "reset";
    public const string Invitation = "invite";
    public const string Leak = "leak";

    /// <summary>An email to the new address with the link, and then one to the old address as a notice.</summary>
    public const string EmailChange = "email_change";
    public const string EmailChanged = "email_changed";

    public const string UsageAlert = "usage_alert";
}
