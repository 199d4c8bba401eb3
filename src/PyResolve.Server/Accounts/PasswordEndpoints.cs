using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal static class PasswordEndpoints
{
    public static void MapPasswords(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").WithTags("Accounts");
        auth.MapPost("/password", Change).RequireSession();
        auth.MapPost("/password/forgot", Forgot);
        auth.MapPost("/password/reset", Reset);
        auth.MapPost("/email/verify", Verify);
    }

    private static async Task<Results<NoContent, ProblemResult>> Change(
        Body<ChangePasswordRequest> body, HttpContext http, PasswordProof proof, Credentials credentials, EmailTokens tokens,
        AuditLog audit, TimeProvider time)
    {
        var caller = http.Caller();
        var (current, newPassword) = (body.Value.CurrentPassword, body.Value.NewPassword);
        var errors = new FieldErrors();
        errors.Text("current_password", current, Passwords.MaxLength, required: true);
        errors.Password("new_password", newPassword, caller.Email);
        errors.ThrowIfAny();

        var problem = await proof.TryAsync(
            caller.UserId,
            current,
            Origin.Of(http),
            turn => turn.Hash(newPassword!),
            async (session, hash) =>
            {
                await StoredPasswords.SetAsync(session, caller.UserId, hash, time.GetInstant(), http.RequestAborted);
                await credentials.EndSessionsAsync(session, caller.UserId, except: caller.SessionId, http.RequestAborted);
                await tokens.UseAllAsync(session, caller.UserId, EmailTokenPurposes.Reset, http.RequestAborted);
                await audit.WriteAsync(
                    session, caller.UserId, Origin.Of(http), AuditActions.PasswordChanged, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return problem is null ? TypedResults.NoContent() : problem;
    }

    /// <summary>The answer is always the same, also beyond the throttle: it must not show whether there is such an account.</summary>
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
        Body<ResetPasswordRequest> body, HttpContext http, EmailTokenActions actions)
    {
        var (token, password) = (body.Value.Token, body.Value.Password);
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Password("password", password);
        errors.ThrowIfAny();
        var outcome = await actions.ResetPasswordAsync(
            token!, password!, body.Value.RevokeApiKeys is true, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem ? problem : TypedResults.NoContent();
    }

    private static async Task<Results<NoContent, ProblemResult>> Verify(
        Body<VerifyEmailRequest> body, HttpContext http, EmailTokenActions actions, Sessions sessions)
    {
        var (token, password) = (body.Value.Token, body.Value.Password);
        var errors = new FieldErrors();
        errors.Text("token", token, EmailTokenActions.MaxTokenLength, required: true);
        errors.Text("password", password, Passwords.MaxLength);
        errors.ThrowIfAny();
        var caller = await sessions.FindCallerAsync(http);
        var outcome = await actions.VerifyEmailAsync(token!, password, caller?.UserId, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Problem is { } problem ? problem : TypedResults.NoContent();
    }
}
