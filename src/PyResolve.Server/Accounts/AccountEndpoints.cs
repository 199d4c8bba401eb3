using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

internal static class AccountEndpoints
{
    public const int MaxNameLength = 200;

    public static void MapAccounts(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/auth").WithTags("Accounts");
        auth.MapPost("/signup", SignUp);
        auth.MapPost("/login", LogIn);
        auth.MapPost("/logout", LogOut).RequireSession();
        auth.MapDelete("/account", Delete).RequireSession();
        var me = routes.MapGroup("/me").WithTags("Accounts");
        me.MapGet("", Me).RequireCaller();
        me.MapPatch("", Rename).RequireSession();
        routes.MapPasswords();
        routes.MapTotp();
        routes.MapSessions();
    }

    private static async Task<Results<CreatedAnswer<SignUpResponse>, ProblemResult>> SignUp(
        Body<SignUpRequest> body, HttpContext http, AccountCreation creation, CommonPasswords common, ServerOptions options)
    {
        if (!options.SignUpIsOpen)
        {
            return new ProblemResult(Problems.Forbidden(ProblemCodes.SignUpClosed, ProblemTexts.SignUpClosed));
        }

        var request = body.Value;
        var errors = new FieldErrors();
        errors.Email("email", request.Email);
        errors.Password("password", request.Password, common, request.Email);
        errors.Label("name", request.Name, MaxNameLength);
        errors.ThrowIfAny();

        var outcome = await creation.TryAsync(
            EmailAddresses.Parse(request.Email!)!, request.Name, request.Password!, SessionClient.Of(http), http.RequestAborted);
        DoNotStore(http);
        return outcome.Value is { } created ? Answers.Created(location: null, created) : outcome.Problem!;
    }

    private static async Task<Results<JsonAnswer<LogInResponse>, ProblemResult>> LogIn(
        Body<LogInRequest> body, HttpContext http, PasswordLogin login)
    {
        var (email, password, code) = (body.Value.Email, body.Value.Password, body.Value.Code);
        var errors = new FieldErrors();
        errors.Text("email", email, EmailAddresses.MaxLength, required: true);
        errors.Text("password", password, Passwords.MaxLength, required: true);
        errors.Text("code", code, SecondFactors.MaxCodeLength);
        errors.ThrowIfAny();

        var outcome = await login.TryAsync(
            new LoginTry(email!, password!, SessionClient.Of(http)) { Code = code }, http.RequestAborted);
        DoNotStore(http);
        return outcome.Opened is { } opened ? Answers.Ok(opened) : outcome.Problem!;
    }

    /// <summary>Forbids caches to store the answer, because it has a secret.</summary>
    private static void DoNotStore(HttpContext http) => http.Response.Headers.CacheControl = "no-store";

    private static async Task<Results<NoContent, ProblemResult>> LogOut(
        HttpContext http, Database database, Sessions sessions, AuditLog audit)
    {
        var caller = http.Caller();
        if (caller.SessionId is not { } sessionId)
        {
            return new ProblemResult(
                Problems.Conflict("This token was issued by another service: log out there. Here it is good until it expires."));
        }

        await database.WriteAsync(
            async session =>
            {
                await sessions.EndAsync(session, sessionId, http.RequestAborted);
                await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
            },
            http.RequestAborted);
        return TypedResults.NoContent();
    }

    private static async Task<JsonAnswer<AccountInfo>> Me(HttpContext http, QuotaReader quotas)
    {
        var caller = http.Caller();
        var quota = await quotas.ReadAsync(caller.UserId, http.RequestAborted);
        return Answers.Ok(new AccountInfo(caller.UserId, caller.Email, quota.Plan, quota));
    }

    private static async Task<Results<JsonAnswer<UpdatedAccount>, ProblemResult>> Rename(
        Body<UpdateAccountRequest> body, HttpContext http, OwnAccount own, PlanCatalog plans)
    {
        var name = body.Value.Name;
        var errors = new FieldErrors();
        errors.Label("name", name, MaxNameLength, required: true);
        errors.ThrowIfAny();

        return await own.RenameAsync(http.Caller(), name!, Origin.Of(http), http.RequestAborted) is { } user
            ? Answers.Ok(new UpdatedAccount(plans.Shown(user)))
            : new ProblemResult(Problems.Unauthenticated("This account was deleted."));
    }

    private static async Task<Results<NoContent, ProblemResult>> Delete(
        OptionalBody<DeleteAccountRequest> body, HttpContext http, AccountDeletion deletion)
    {
        var password = body.Value.Password;
        var errors = new FieldErrors();
        errors.Text("password", password, Passwords.MaxLength);
        errors.ThrowIfAny();

        var problem = await deletion.TryAsync(http.Caller().UserId, password, Origin.Of(http), http.RequestAborted);
        return problem is null ? TypedResults.NoContent() : problem;
    }
}
