using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;
using PyResolve.Server.SecondFactor;

namespace PyResolve.Server.Site;

internal enum SettingsSection
{
    Name,
    Email,
    Password,
    Sessions,
}

/// <summary>A page of sessions. <c>Next</c>: the last one, where older ones follow.</summary>
internal sealed record SessionPage(IReadOnlyList<SessionInfo> Sessions, Guid? Next, bool IsFirst)
{
    public bool HasOthers => !IsFirst || Sessions.Count > 1;
}

/// <summary>The settings page. <c>Section</c>: the one that <c>Problem</c> belongs to, or that was just saved.</summary>
internal sealed record Settings(
    Caller Caller,
    bool HasPassword,
    bool EmailIsVerified,
    bool SendsMail,
    SecondFactorState? SecondFactor,
    SessionPage Sessions,
    SettingsSection? Section,
    string? Typed,
    ProblemResult? Problem)
{
    public string? TypedIn(SettingsSection section) => Section == section && Problem is not null ? Typed : null;

    public ProblemResult? ProblemOf(SettingsSection section) => Section == section ? Problem : null;

    /// <summary>The sentence about what was saved in a section; null: nothing was.</summary>
    public string? SavedIn(SettingsSection section) => Section != section || Problem is not null
        ? null
        : section switch
        {
            SettingsSection.Name => "Your name was changed.",
            SettingsSection.Email => "Look into the mailbox of the new address: its link changes your email. It works for a day.",
            SettingsSection.Password => "Your password was changed. All other sessions have ended.",
            _ => "Done. What was ended cannot be used any more.",
        };
}

/// <summary>
/// The second factor on the settings page. <c>Setup</c>: with the code that an app scans, while a first code is asked for.
/// </summary>
internal sealed record SecondFactorView(SecondFactorState? State, TotpSetup? Setup, bool HasPassword, ProblemResult? Problem);

internal sealed record AccountDeletionForm(Caller Caller, bool HasPassword, ProblemResult? Problem);

internal sealed record AuditTable(AuditPage Page, string? Action);
