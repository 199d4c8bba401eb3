using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Changing a password, getting over a lost one, and showing that an e-mail is one's own.</summary>
internal static class PasswordEndpoints
{
    public static void MapPasswords(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").WithTags("Accounts");
        auth.MapPost("/password", Change).Accepts<ChangePasswordRequest>("application/json").Produces(204).RequireSession();
        auth.MapPost("/password/forgot", Forgot).Accepts<ForgotPasswordRequest>("application/json").Produces(202);
        auth.MapPost("/password/reset", Reset).Accepts<ResetPasswordRequest>("application/json").Produces(204);
        auth.MapPost("/email/verify", Verify).Accepts<VerifyEmailRequest>("application/json").Produces(204);
    }

    private static async Task<IResult> Change(
        HttpContext http, PasswordProof proof, Sessions sessions, EmailTokens tokens, AuditLog audit, TimeProvider time)
    {
        var caller = http.Caller();
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ChangePasswordRequest);
        var errors = new FieldErrors();
        errors.Text("current_password", body.CurrentPassword, Passwords.Longest, required: true);
        errors.Password("new_password", body.NewPassword);
        errors.ThrowIfAny();

        var problem = await proof.TryAsync(
            caller.UserId,
            body.CurrentPassword,
            turn => turn.Hash(body.NewPassword!),
            async (session, hash) =>
            {
                await StoredPasswords.SetAsync(session, caller.UserId, hash, time.GetInstant(), http.RequestAborted);
                await sessions.EndAllAsync(session, caller.UserId, except: caller.SessionId, http.RequestAborted);
                await tokens.UseAllAsync(session, caller.UserId, EmailTokenPurposes.Reset, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.PasswordChanged, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return (IResult?)problem ?? TypedResults.NoContent();
    }

    /// <summary>Always the same answer, also beyond the limit of emails: it must not tell whether there is such an account.</summary>
    private static async Task<IResult> Forgot(HttpContext http, AccountEmails emails, Throttle throttle, ThrottleRules rules)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ForgotPasswordRequest);
        var errors = new FieldErrors();
        errors.Email("email", body.Email);
        errors.ThrowIfAny();

        var origin = Origin.Of(http);
        var attempt = await throttle.RecordAsync(rules.ResetFrom(origin.Address), http.RequestAborted);
        if (attempt.RetryAfter is null)
            await emails.AskForResetAsync(body.Email!, origin, http.RequestAborted);
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<IResult> Reset(HttpContext http, EmailTokenActions actions)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ResetPasswordRequest);
        var errors = new FieldErrors();
        errors.Text("token", body.Token, EmailTokenActions.LongestToken, required: true);
        errors.Password("password", body.Password);
        errors.ThrowIfAny();
        var problem = await actions.ResetPasswordAsync(body.Token!, body.Password!, Origin.OfOwner(http), http.RequestAborted);
        return (IResult?)problem ?? TypedResults.NoContent();
    }

    private static async Task<IResult> Verify(HttpContext http, EmailTokenActions actions)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.VerifyEmailRequest);
        var errors = new FieldErrors();
        errors.Text("token", body.Token, EmailTokenActions.LongestToken, required: true);
        errors.ThrowIfAny();
        var problem = await actions.VerifyEmailAsync(body.Token!, Origin.OfOwner(http), http.RequestAborted);
        return (IResult?)problem ?? TypedResults.NoContent();
    }
}
