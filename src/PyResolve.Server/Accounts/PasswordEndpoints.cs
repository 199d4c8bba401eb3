using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Changing a password, getting over a lost one, and showing that an e-mail is one's own.</summary>
internal static class PasswordEndpoints
{
    private const int LongestToken = 200;

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

        var refusal = await proof.TryAsync(
            caller.UserId,
            body.CurrentPassword,
            turn => turn.Hash(body.NewPassword!),
            async (session, hash) =>
            {
                await StoredPasswords.SetAsync(session, caller.UserId, hash, time.GetInstant(), http.RequestAborted);
                await sessions.EndAllAsync(session, caller.UserId, except: caller.SessionId, http.RequestAborted);
                await tokens.UseAllAsync(session, caller.UserId, EmailPurposes.Reset, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.PasswordChanged, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return refusal?.ToResult() ?? TypedResults.NoContent();
    }

    /// <summary>Always the same answer, also beyond the limit of letters: it must not tell whether there is such an account.</summary>
    private static async Task<IResult> Forgot(HttpContext http, AccountLetters letters, Throttle throttle, ThrottleRules rules)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ForgotPasswordRequest);
        var errors = new FieldErrors();
        errors.Email("email", body.Email);
        errors.ThrowIfAny();

        var origin = Origin.Of(http);
        var attempt = await throttle.RecordAsync(rules.ResetFrom(origin.Address), http.RequestAborted);
        if (attempt.RetryAfter is null)
            letters.AskForReset(body.Email!, origin);
        return TypedResults.Accepted((string?)null);
    }

    private static async Task<IResult> Reset(
        HttpContext http, Database database, Passwords passwords, Sessions sessions, EmailTokens tokens, ThrottleRules rules, AuditLog audit, TimeProvider time)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.ResetPasswordRequest);
        var errors = new FieldErrors();
        errors.Text("token", body.Token, LongestToken, required: true);
        errors.Password("password", body.Password);
        errors.ThrowIfAny();

        // Before any hashing: a made-up token must cost no more than a look.
        var owner = await database.ReadAsync(session => tokens.FindAsync(session, body.Token!, EmailPurposes.Reset, http.RequestAborted), http.RequestAborted);
        if (owner is null)
            return WorthlessToken();
        using var turn = await passwords.TakeTurnAsync(http.RequestAborted);
        if (turn is null)
            return Refusals.Busy.ToResult();
        var hash = turn.Hash(body.Password!);

        var isDone = await database.WriteAsync(
            async session =>
            {
                if (!await tokens.UseAsync(session, body.Token!, EmailPurposes.Reset, http.RequestAborted))
                    return false;
                var now = time.GetInstant();
                await StoredPasswords.SetAsync(session, owner.UserId, hash, now, http.RequestAborted);
                await sessions.EndAllAsync(session, owner.UserId, except: null, http.RequestAborted);
                await tokens.UseAllAsync(session, owner.UserId, EmailPurposes.Reset, http.RequestAborted);
                await MarkVerifiedAsync(session, owner, now, http.RequestAborted);
                // Whoever guessed at the old password has not locked its owner out.
                await Throttle.ForgetAsync(session, rules.LogInTo(owner.Email), http.RequestAborted);
                await audit.WriteAsync(session, owner.UserId, Origin.OfOwner(http), AuditActions.PasswordReset, target: null, http.RequestAborted);
                return true;
            },
            http.RequestAborted);
        return isDone ? TypedResults.NoContent() : WorthlessToken();
    }

    private static async Task<IResult> Verify(HttpContext http, Database database, EmailTokens tokens, AuditLog audit, TimeProvider time)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.VerifyEmailRequest);
        var errors = new FieldErrors();
        errors.Text("token", body.Token, LongestToken, required: true);
        errors.ThrowIfAny();

        var isDone = await database.WriteAsync(
            async session =>
            {
                var owner = await tokens.FindAsync(session, body.Token!, EmailPurposes.Verify, http.RequestAborted);
                if (owner is null || !await tokens.UseAsync(session, body.Token!, EmailPurposes.Verify, http.RequestAborted))
                    return false;
                await MarkVerifiedAsync(session, owner, time.GetInstant(), http.RequestAborted);
                await audit.WriteAsync(session, owner.UserId, Origin.OfOwner(http), AuditActions.EmailVerified, target: null, http.RequestAborted);
                return true;
            },
            http.RequestAborted);
        return isDone ? TypedResults.NoContent() : WorthlessToken();
    }

    private static Task<int> MarkVerifiedAsync(Session session, EmailTokenOwner owner, DateTimeOffset now, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update profiles set email_verified_at = coalesce(email_verified_at, {now}) where id = {owner.UserId} and email = {owner.Email}",
        cancellationToken);

    private static ProblemResult WorthlessToken() => new(Problems.Invalid("token", "is unknown, used or expired. Ask for a new letter."));
}
