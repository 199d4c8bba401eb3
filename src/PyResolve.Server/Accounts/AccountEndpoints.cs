using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
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
        routes.MapGet("/me", Me).WithTags("Accounts").Produces<AccountInfo>().RequireCaller();
    }

    private static async Task<IResult> SignUp(
        HttpContext http, Database database, Passwords passwords, Sessions sessions, ApiKeys keys, AuditLog audit, ServerOptions options, TimeProvider time)
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
        var passwordHash = passwords.Hash(body.Password!);
        var now = time.GetInstant();
        var user = new UserInfo(Guid.CreateVersion7(now), email, name, Plans.Free);

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
                var key = await keys.CreateAsync(session, user.Id, new NewApiKey(ApiKeys.DefaultName, Scopes.Default, null, null), http.RequestAborted);
                var (token, expiresAt) = await sessions.OpenAsync(session, user.Id, http.RequestAborted);
                await audit.WriteAsync(session, user.Id, Origin.OfOwner(http), AuditActions.AccountCreated, key.Prefix, http.RequestAborted);
                return new SignUpResponse(user, key.ApiKey, token, expiresAt);
            },
            http.RequestAborted);

        return created is null
            ? new ProblemResult(Problems.Conflict("There is an account with this e-mail already. Log in instead."))
            : TypedResults.Created((string?)null, created);
    }

    private static async Task<IResult> LogIn(HttpContext http, LogIn logIn)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.LogInRequest);
        var errors = new FieldErrors();
        errors.Text("email", body.Email, Emails.Longest, required: true);
        errors.Text("password", body.Password, Passwords.Longest, required: true);
        errors.ThrowIfAny();

        var outcome = await logIn.TryAsync(body.Email!, body.Password!, Origin.OfOwner(http), http.RequestAborted);
        return outcome.Opened is { } opened ? TypedResults.Ok(opened) : new ProblemResult(outcome.Refusal!, outcome.RetryAfter);
    }

    private static async Task<IResult> LogOut(HttpContext http, Database database, Sessions sessions, AuditLog audit)
    {
        var caller = http.Caller();
        await database.WriteAsync(
            async session =>
            {
                await sessions.EndAsync(session, caller.SessionId!.Value, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> Me(HttpContext http, QuotaReader quotas)
    {
        var caller = http.Caller();
        var quota = await quotas.ReadAsync(caller.UserId, http.RequestAborted);
        return TypedResults.Ok(new AccountInfo(caller.UserId, caller.Email, quota.Plan, quota));
    }
}
