using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using static PyResolve.Server.Pages.Views;

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
    }

    private static async Task<PageResult> Reset(HttpContext http, SameOrigin sameOrigin, EmailTokenActions actions)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (token, password) = (form.Field("token"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("Token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Password("Password", password);
        if (password is not null && form.Field("repeated") != password)
            errors.Add("Password", "is not the same both times.");
        if (errors.Problem is { } invalid)
            return ResetForm(token, new ProblemResult(invalid));

        var revokesKeys = form.Field("revoke_api_keys") is not null;
        var outcome = await actions.ResetPasswordAsync(token!, password!, revokesKeys, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem
            ? ResetForm(token, problem)
            : Page("Password changed", problem: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>Password changed</h1>
                <p>Log in with your new password from now on. All sessions of your account were ended. {KeysAfterwards(outcome)}</p>
                """);
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
        errors.Text("Token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Text("Password", password, Passwords.MaxLength);
        if (errors.Problem is { } invalid)
            return VerifyForm(token, new ProblemResult(invalid));

        var sessionOf = (await web.FindAsync(http))?.UserId;
        var outcome = await actions.VerifyEmailAsync(token!, password, sessionOf, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem
            ? VerifyForm(token, problem)
            : Page("E-mail confirmed", problem: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>E-mail confirmed</h1>
                <p>Thank you. {(outcome.KeysAreRevoked ? KeysAfterwards(outcome) : "")} {Afterwards(outcome)}</p>
                """);
    }

    private static Html Afterwards(EmailTokenOutcome outcome) => outcome.ResetToken is { } token
        ? Html.Of($"""
            The password of the account was removed: <a href="reset-password?token={token}">choose a new one</a> within an hour, or ask
            for another e-mail later.
            """)
        : Html.Of($"You can close this page.");

    private static PageResult ResetForm(string? token, ProblemResult? problem = null) => Page("Choose a new password", problem, $"""
        <h1>Choose a new password</h1>
        <p>At least {Passwords.MinLength} characters. All sessions of your account will end.</p>
        {Alert(problem)}
        <form method="post" action="reset-password">
        {Hidden("token", token)}
        <label for="password">New password</label>
        {PasswordInput("password", autofocus: true)}
        <label for="repeated">Repeat the new password</label>
        {PasswordInput("repeated", autofocus: false)}
        <p><label><input type="checkbox" name="revoke_api_keys" value="yes"> Also revoke all API keys. They are always revoked if the
        address was not confirmed before.</label></p>
        <button>Change the password</button>
        </form>
        """);

    private static Html PasswordInput(string name, bool autofocus) => $"""
        <input id="{name}" name="{name}" type="password" autocomplete="new-password" minlength="{Passwords.MinLength}"
         maxlength="{Passwords.MaxLength}" required{Html.If(autofocus, " autofocus")}>
        """;

    private static PageResult VerifyForm(string? token, ProblemResult? problem = null) => Page("Confirm your e-mail", problem, $"""
        <h1>Confirm your e-mail</h1>
        <p>Press the button to confirm that you receive our e-mails. If you signed up yourself, enter your password: then your API keys
        stay. Without it, every API key and session of the account and its password are revoked, since somebody else may have signed up
        with your address; you choose a new password then.</p>
        {Alert(problem)}
        <form method="post" action="verify-email">
        {Hidden("token", token)}
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" maxlength="{Passwords.MaxLength}">
        <button>Confirm</button>
        </form>
        """);
}
