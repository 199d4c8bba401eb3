using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Accounts;

/// <summary>
/// The pages that emails link to. Opening one changes nothing, since mail scanners open every link; its button does. The form carries
/// the token on, and the pages link to no other site that could learn it.
/// </summary>
internal static class EmailLinkPages
{
    public static void MapEmailLinkPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/reset-password", static (HttpContext http) => ResetForm(http.Request.Query["token"]));
        pages.MapPost("/reset-password", Reset);
        pages.MapGet("/verify-email", static (HttpContext http) => VerifyForm(http.Request.Query["token"]));
        pages.MapPost("/verify-email", Verify);
        pages.MapGet("/change-email", static (HttpContext http) => ChangeForm(http.Request.Query["token"]));
        pages.MapPost("/change-email", Change);
    }

    private static async Task<PageResult> Reset(
        HttpContext http, SameOrigin sameOrigin, EmailTokenActions actions, CommonPasswords common)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (token, password) = (form.Field("token"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Password("password", password, common);
        if (password is not null && form.Field("repeated") != password)
            errors.Add("password", "is not the same both times.");
        if (errors.Problem is { } invalid)
            return ResetForm(token, new ProblemResult(invalid));

        var revokesKeys = form.Field("revoke_api_keys") is not null;
        var outcome = await actions.ResetPasswordAsync(token!, password!, revokesKeys, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem
            ? ResetForm(token, problem)
            : Message.Page(new Message(
                "Password changed",
                $"Sign in with your new password from now on. All sessions of your account were ended. {KeysAfterwards(outcome)}",
                MessageMark.Approved)
                {
                    Link = ("sign-in", "Sign in"),
                });
    }

    private static string KeysAfterwards(EmailTokenOutcome outcome) => outcome.KeysAreRevoked
        ? "All API keys that were made before were revoked: create new ones for your programs."
        : "Your API keys still work.";

    private static async Task<PageResult> Verify(HttpContext http, SameOrigin sameOrigin, EmailTokenActions actions, WebSessions web)
    {
        sameOrigin.Require(http);
        var form = await FormBody.ReadAsync(http);
        var (token, password) = (form.Field("token"), form.Field("password"));
        if (!string.IsNullOrEmpty(password))
            WebSessions.RequireSafeConnection(http);
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Text("password", password, Passwords.MaxLength);
        if (errors.Problem is { } invalid)
            return VerifyForm(token, new ProblemResult(invalid));

        var sessionOf = (await web.FindAsync(http))?.UserId;
        var outcome = await actions.VerifyEmailAsync(token!, password, sessionOf, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem
            ? VerifyForm(token, problem)
            : Message.Page(Confirmed(outcome));
    }

    private static async Task<PageResult> Change(HttpContext http, SameOrigin sameOrigin, EmailChanges changes)
    {
        sameOrigin.Require(http);
        var token = (await FormBody.ReadAsync(http)).Field("token");
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        if (errors.Problem is { } invalid)
            return ChangeForm(token, new ProblemResult(invalid));

        var outcome = await changes.ConfirmAsync(token!, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Value is { } owner
            ? Message.Page(new Message(
                "Email changed", $"Your account has the address {owner.Email} now. Sign in with it from now on.", MessageMark.Approved)
                {
                    Link = ("app/settings", "Go to your settings"),
                })
            : ChangeForm(token, outcome.Problem);
    }

    private static Message Confirmed(EmailTokenOutcome outcome)
    {
        var thanks = $"Thank you. {(outcome.KeysAreRevoked ? KeysAfterwards(outcome) + " " : "")}";
        return outcome.ResetToken is { } token
            ? new Message(
                "Email confirmed",
                thanks + "The password of the account was removed: choose a new one within an hour, or ask for another email later.",
                MessageMark.Approved)
            {
                Link = ($"reset-password?token={token}", "Choose a new password"),
            }
            : new Message("Email confirmed", thanks + "You can close this page.", MessageMark.Approved);
    }

    private static PageResult ResetForm(string? token, ProblemResult? problem = null) =>
        new("Choose a new password", new Accounts_ResetPage { Model = new EmailLinkForm(token, problem) }) { Problem = problem };

    private static PageResult ChangeForm(string? token, ProblemResult? problem = null) =>
        new("Change your email", new Accounts_ChangeEmailPage { Model = new EmailLinkForm(token, problem) }) { Problem = problem };

    private static PageResult VerifyForm(string? token, ProblemResult? problem = null) =>
        new("Confirm your email", new Accounts_VerifyPage { Model = new EmailLinkForm(token, problem) }) { Problem = problem };
}

/// <summary>The form that an email's link opens. It carries the token on, which stays valid until it is accepted.</summary>
internal sealed record EmailLinkForm(string? Token, ProblemResult? Problem);
