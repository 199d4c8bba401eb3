using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

internal static class AccountProblems
{
    public static ProblemResult WrongLogin { get; } = new(Problems.Unauthenticated(ProblemTexts.WrongLogin))
    {
        SecurityEvent = SecurityEvents.LoginFailed,
    };

    /// <summary>A 401 that says that the password was right, and a second-factor code is required.</summary>
    public static ProblemResult CodeRequired { get; } = new(Problems.Create(401, ProblemCodes.TotpRequired, ProblemTexts.CodeRequired));

    public static ProblemResult WrongCode { get; } = new(Problems.Create(401, ProblemCodes.TotpRequired, ProblemTexts.WrongCode))
    {
        SecurityEvent = SecurityEvents.LoginFailed,
    };

    public static ProblemResult PendingLoginExpired { get; } = new(Problems.Unauthenticated(
        "This sign-in was begun more than 10 minutes ago, or is over. Sign in again."));

    public static ProblemResult WrongPassword { get; } = new(Problems.Unauthenticated(ProblemTexts.WrongPassword))
    {
        SecurityEvent = SecurityEvents.LoginFailed,
    };

    public static ProblemResult NoPassword { get; } = new(Problems.Conflict(
        "This account has no password here: it signs in through another service, which keeps it."));

    public static ProblemResult EmailTaken { get; } = new(Problems.Conflict(ProblemTexts.EmailTaken));

    public static ProblemResult Busy { get; } = new(
        Problems.Create(503, ProblemCodes.Unavailable, "Too many passwords are being checked at the moment. Try again shortly."),
        TimeSpan.FromSeconds(5));

    public static ProblemResult TooManyLogins(TimeSpan wait) => TooMany("failed logins", wait);

    public static ProblemResult TooMany(string what, TimeSpan wait) =>
        new(Problems.Create(429, ProblemCodes.RateLimited, $"Too many {what}. Wait before the next one."), wait)
        {
            SecurityEvent = SecurityEvents.Throttled,
        };
}
