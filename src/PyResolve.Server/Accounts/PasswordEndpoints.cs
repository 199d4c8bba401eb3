using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;

namespace PyResolve.Server.Accounts;

internal static class PasswordEndpoints
{
    public static void MapPasswords(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").WithTags("Accounts");
        auth.MapPost("/password", Change).RequireSession();
        auth.MapPost("/password/forgot", Forgot);
        auth.MapPost("/password/reset", Reset);
        auth.MapPost("/email", ChangeEmail).RequireSession();
        auth.MapPost("/email/verify", Verify);
    }

    private static async Task<Results<NoContent, ProblemResult>> Change(
        Body<ChangePasswordRequest> body, HttpContext http, OwnAccount own, CommonPasswords common)
    {
        var caller = http.Caller();
        var (current, newPassword) = (body.Value.CurrentPassword, body.Value.NewPassword);
        var errors = new FieldErrors();
        errors.Text("current_password", current, Passwords.MaxLength, required: true);
        errors.Password("new_password", newPassword, common, caller.Email);
        errors.ThrowIfAny();

        var problem = await own.ChangePasswordAsync(caller, current!, newPassword!, Origin.Of(http), http.RequestAborted);
        return problem is null ? TypedResults.NoContent() : problem;
    }

    /// <summary>Begins a change of the address. The answer is the same whether another account has the address or not.</summary>
    private static async Task<Results<Accepted, ProblemResult>> ChangeEmail(
        Body<ChangeEmailRequest> body, HttpContext http, EmailChanges changes)
    {
        var (email, password) = (body.Value.Email, body.Value.Password);
        var errors = new FieldErrors();
        errors.Email("email", email);
        errors.Text("password", password, Passwords.MaxLength);
        errors.ThrowIfAny();

        var problem = await changes.AskAsync(
            http.Caller(), EmailAddresses.Parse(email!)!, password, Origin.Of(http), http.RequestAborted);
        return problem is null ? TypedResults.Accepted((string?)null) : problem;
    }

    /// <summary>
    /// Sends a link for a forgotten password. The answer is always the same, also beyond the throttle: it must not show whether there is
    /// such an account.
    /// </summary>
    private static async Task<Accepted> Forgot(Body<ForgotPasswordRequest> body, HttpContext http, AccountEmails emails, Throttle throttle)
    {
        var email = body.Value.Email;
        var errors = new FieldErrors();
        errors.Email("email", email);
        errors.ThrowIfAny();

        var origin = Origin.Of(http);
        var attempt = await throttle.RecordAsync(throttle.Rules.ResetFrom(origin.Address), http.RequestAborted);
        if (attempt.RetryAfter is null)
            await emails.SendResetAsync(email!, origin, http.RequestAborted);
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<Results<NoContent, ProblemResult>> Reset(
        Body<ResetPasswordRequest> body, HttpContext http, EmailTokenActions actions, CommonPasswords common)
    {
        var (token, password) = (body.Value.Token, body.Value.Password);
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Password("password", password, common);
        errors.ThrowIfAny();
        var outcome = await actions.ResetPasswordAsync(
            token!, password!, body.Value.RevokeApiKeys is true, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem ? problem : TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemResult>> Verify(
        Body<VerifyEmailRequest> body, HttpContext http, EmailTokenActions actions, EmailChanges changes, Sessions sessions)
    {
        var (token, password) = (body.Value.Token, body.Value.Password);
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Text("password", password, Passwords.MaxLength);
        errors.ThrowIfAny();
        var caller = await sessions.FindCallerAsync(http);
        var outcome = await actions.VerifyEmailAsync(token!, password, caller?.UserId, Origin.OfOwner(http), http.RequestAborted);
        if (outcome.Problem is not { } problem)
            return TypedResults.NoContent();
        // The token of a change shows that the new mailbox is read as well.
        return problem == EmailTokenActions.UnknownToken
            && await changes.ConfirmAsync(token!, Origin.OfOwner(http), http.RequestAborted) is { Value: not null }
            ? TypedResults.NoContent()
            : problem;
    }
}
