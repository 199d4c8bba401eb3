using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using static PyResolve.Server.Pages.Views;

namespace PyResolve.Server.Accounts;

/// <summary>
/// The pages that letters lead to. Opening one changes nothing, since mail scanners open every link; a button does. The token travels on in
/// the form, and the pages name no other site that could learn it.
/// </summary>
internal static class LetterPages
{
    public static void MapLetterPages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/reset-password", static (HttpContext http) => ResetForm(http.Request.Query["token"]));
        pages.MapPost("/reset-password", Reset);
        pages.MapGet("/verify-email", static (HttpContext http) => VerifyForm(http.Request.Query["token"]));
        pages.MapPost("/verify-email", Verify);
    }

    private static async Task<IResult> Reset(HttpContext http, SameOrigin sameOrigin, EmailedTokens letters)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (token, password) = (form.Field("token"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("Token", token, EmailedTokens.LongestToken, required: true);
        errors.Password("Password", password);
        if (password is not null && form.Field("repeated") != password)
            errors.Add("Password", "is not the same both times.");
        if (errors.Problem is { } invalid)
            return ResetForm(token, new Refusal(invalid));

        var refusal = await letters.ResetPasswordAsync(token!, password!, Origin.OfOwner(http), http.RequestAborted);
        return refusal is not null
            ? ResetForm(token, refusal)
            : Page("Password changed", refusal: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>Password changed</h1>
                <p>Your new password works from now on. Every session of your account was ended; your API keys were not.</p>
                """);
    }

    private static async Task<IResult> Verify(HttpContext http, SameOrigin sameOrigin, EmailedTokens letters)
    {
        sameOrigin.Require(http);
        var token = (await FormBody.ReadAsync(http)).Field("token");
        var errors = new FieldErrors();
        errors.Text("Token", token, EmailedTokens.LongestToken, required: true);
        if (errors.Problem is { } invalid)
            return VerifyForm(token, new Refusal(invalid));

        var refusal = await letters.VerifyEmailAsync(token!, Origin.OfOwner(http), http.RequestAborted);
        return refusal is not null
            ? VerifyForm(token, refusal)
            : Page("E-mail confirmed", refusal: null, $"""
                <img class="mark" src="assets/approved.svg" alt="">
                <h1>E-mail confirmed</h1>
                <p>Thank you. You can close this page.</p>
                """);
    }

    private static PageResult ResetForm(string? token, Refusal? refusal = null) => Page("Choose a new password", refusal, $"""
        <h1>Choose a new password</h1>
        <p>At least {Passwords.Shortest} characters. Every session of your account will end.</p>
        {Alert(refusal)}
        <form method="post" action="reset-password">
        {Hidden("token", token)}
        <label for="password">New password</label>
        <input id="password" name="password" type="password" autocomplete="new-password" minlength="{Passwords.Shortest}" maxlength="{Passwords.Longest}" required autofocus>
        <label for="repeated">The same again</label>
        <input id="repeated" name="repeated" type="password" autocomplete="new-password" minlength="{Passwords.Shortest}" maxlength="{Passwords.Longest}" required>
        <button>Change the password</button>
        </form>
        """);

    private static PageResult VerifyForm(string? token, Refusal? refusal = null) => Page("Confirm your e-mail", refusal, $"""
        <h1>Confirm your e-mail</h1>
        <p>One press shows us that letters to you arrive.</p>
        {Alert(refusal)}
        <form method="post" action="verify-email">
        {Hidden("token", token)}
        <button>Confirm</button>
        </form>
        """);
}
