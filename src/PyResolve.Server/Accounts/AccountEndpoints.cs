using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal static class AccountEndpoints
{
    private const int LongestName = 200;

    public static void MapAccounts(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").WithTags("Accounts");
        auth.MapPost("/signup", SignUp).Accepts<SignUpRequest>("application/json").Produces<SignUpResponse>(201);
        auth.MapPost("/login", LogIn).Accepts<LogInRequest>("application/json").Produces<LogInResponse>();
        auth.MapPost("/logout", LogOut).Produces(204).RequireSession();
        auth.MapDelete("/account", Delete).Accepts<DeleteAccountRequest>("application/json").Produces(204).RequireSession();
        var me = routes.MapGroup("/me").WithTags("Accounts");
        me.MapGet("", Me).Produces<AccountInfo>().RequireCaller();
        me.MapPatch("", Rename).Accepts<UpdateAccountRequest>("application/json").Produces<UpdatedAccount>().RequireSession();
        routes.MapPasswords();
    }

    private static async Task<IResult> SignUp(
        HttpContext http, Database database, Passwords passwords, Sessions sessions, ApiKeys keys, Throttle throttle, ThrottleRules rules,
        AccountLetters letters, AuditLog audit, ServerOptions options, TimeProvider time)
    {
        if (!options.SignUpIsOpen)
            return new ProblemResult(Problems.Forbidden(ProblemCodes.SignUpClosed, "This server takes no new accounts. Ask its operator for one."));

        var body = await JsonBody.ReadAsync(http, WireJson.Default.SignUpRequest);
        var errors = new FieldErrors();
        errors.Email("email", body.Email);
        errors.Password("password", body.Password);
        errors.Text("name", body.Name, LongestName);
        errors.ThrowIfAny();

        var email = Emails.Normalize(body.Email!);
        var name = string.IsNullOrWhiteSpace(body.Name) ? email[..email.IndexOf('@')] : body.Name.Trim();
        var attempt = await throttle.RecordAsync(rules.SignUp(Origin.AddressOf(http)), http.RequestAborted);
        if (attempt.RetryAfter is { } wait)
            return Refusals.TooMany("sign-ups from this address", wait).ToResult();
        if (await HashAsync(passwords, body.Password!, http.RequestAborted) is not { } passwordHash)
            return Refusals.Busy.ToResult();
        var secret = KeySecret.Draw();
        var now = time.GetInstant();
        var user = new UserInfo(Ids.Create(now), email, name, PlanCatalog.Free);

        var created = await database.WriteAsync(
            async session =>
            {
                var inserted = await session.ExecuteAsync(
                    $"""
                    insert into profiles (id, email, name, plan, created_at, updated_at)
                    values ({user.Id}, {user.Email}, {user.Name}, {user.Plan}, {now}, {now})
                    on conflict do nothing
                    """,
                    http.RequestAborted);
                if (inserted == 0)
                    return null;
                await session.ExecuteAsync(
                    $"insert into passwords (user_id, password_hash, changed_at) values ({user.Id}, {passwordHash}, {now})",
                    http.RequestAborted);
                var key = await keys.CreateAsync(session, user.Id, new NewApiKey(ApiKeys.DefaultName, Scopes.Default, null, null), secret, http.RequestAborted);
                var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, http.RequestAborted);
                await audit.WriteAsync(session, user.Id, Origin.OfOwner(http), AuditActions.AccountCreated, key.Prefix, http.RequestAborted);
                await letters.AskForVerificationAsync(session, user.Id, http.RequestAborted);
                return new SignUpResponse(user, key.ApiKey, token, expiresAt);
            },
            http.RequestAborted);

        if (created is null)
            return new ProblemResult(Problems.Conflict("There is an account with this e-mail already. Log in instead."));
        letters.Send();
        return Answers.Created(location: null, created);
    }

    private static async Task<string?> HashAsync(Passwords passwords, string password, CancellationToken cancellationToken)
    {
        using var turn = await passwords.TakeTurnAsync(cancellationToken);
        return turn?.Hash(password);
    }

    private static async Task<IResult> LogIn(HttpContext http, LogIn logIn)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.LogInRequest);
        var errors = new FieldErrors();
        errors.Text("email", body.Email, Emails.Longest, required: true);
        errors.Text("password", body.Password, Passwords.Longest, required: true);
        errors.ThrowIfAny();

        var outcome = await logIn.TryAsync(body.Email!, body.Password!, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Opened is { } opened ? Answers.Ok(opened) : new ProblemResult(outcome.Refusal!, outcome.RetryAfter);
    }

    private static async Task<IResult> LogOut(HttpContext http, Database database, Sessions sessions, AuditLog audit)
    {
        var caller = http.Caller();
        if (caller.SessionId is not { } sessionId)
            return new ProblemResult(Problems.Conflict("This token was issued by another service: log out there. Here it is good until it expires."));
        await database.WriteAsync(
            async session =>
            {
                await sessions.EndAsync(session, sessionId, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> Me(HttpContext http, QuotaReader quotas)
    {
        var caller = http.Caller();
        var quota = await quotas.ReadAsync(caller.UserId, http.RequestAborted);
        return Answers.Ok(new AccountInfo(caller.UserId, caller.Email, quota.Plan, quota));
    }

    private static async Task<IResult> Rename(HttpContext http, Database database, AuditLog audit, TimeProvider time)
    {
        var caller = http.Caller();
        var body = await JsonBody.ReadAsync(http, WireJson.Default.UpdateAccountRequest);
        var errors = new FieldErrors();
        errors.Text("name", body.Name, LongestName, required: true);
        errors.ThrowIfAny();

        var user = await database.WriteAsync(
            async session =>
            {
                var renamed = await session.FirstAsync(
                    $"""
                    update profiles set name = {body.Name!.Trim()}, updated_at = {time.GetInstant()}
                    where id = {caller.UserId} and deleted_at is null
                    returning id, email, name, plan
                    """,
                    static row => new UserInfo(row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Text(3)),
                    http.RequestAborted);
                if (renamed is not null)
                    await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.AccountRenamed, target: null, http.RequestAborted);
                return renamed;
            },
            http.RequestAborted);
        return user is null
            ? new ProblemResult(Problems.Unauthenticated("This account was deleted."))
            : Answers.Ok(new UpdatedAccount(user));
    }

    private static async Task<IResult> Delete(HttpContext http, AccountDeletion deletion)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.DeleteAccountRequest, whenEmpty: new());
        var errors = new FieldErrors();
        errors.Text("password", body.Password, Passwords.Longest);
        errors.ThrowIfAny();

        var refusal = await deletion.TryAsync(http.Caller().UserId, body.Password, Origin.Of(http), http.RequestAborted);
        return refusal?.ToResult() ?? TypedResults.NoContent();
    }
}
