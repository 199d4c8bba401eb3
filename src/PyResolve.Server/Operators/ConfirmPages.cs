using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>
/// The form on which operators prove their identity. <c>Next</c>: the page to go on with, from the root. With a second factor its code is
/// asked for, else the password.
/// </summary>
internal sealed record ConfirmForm(string Next, bool HasSecondFactor, ProblemResult? Problem);

/// <summary>The pages where an operator proves their identity again, before a change.</summary>
internal static class ConfirmPages
{
    private const string Start = "operator/accounts";
    private const int MaxNext = 100;

    public static void MapConfirmPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/operator/confirm", Show);
        pages.MapPost("/operator/confirm", Confirm).NeedsNoProof();
    }

    /// <summary>The page that has the form of this path: /operator/accounts/{id}/plan is a form of /operator/accounts/{id}.</summary>
    public static string PageOf(PathString path) => string.Join('/', path.Value!.Trim('/').Split('/').Take(3));

    private static async Task<IResult> Show(HttpContext http, IdentityProof proof) =>
        Page(http, await FormAsync(http, proof, http.Request.Query["next"], problem: null));

    private static async Task<IResult> Confirm(HttpContext http, IdentityProof proof)
    {
        WebSessions.RequireSafeConnection(http);
        var sent = await FormBody.ReadAsync(http);
        var form = await FormAsync(http, proof, sent.Field("next"), problem: null);
        var (password, code) = (sent.Field("password"), sent.Field("code"));
        var errors = new FieldErrors();
        if (form.HasSecondFactor)
            errors.Code("code", code);
        else
            errors.Text("password", password, Passwords.MaxLength, required: true);
        if (errors.Problem is { } invalid)
            return Page(http, form with { Problem = new ProblemResult(invalid) });
        var origin = Origin.OfOwner(http);
        var problem = form.HasSecondFactor
            ? await proof.ByCodeAsync(http.Caller(), code!, origin, http.RequestAborted)
            : await proof.ByPasswordAsync(http.Caller(), password!, origin, http.RequestAborted);
        return problem is null ? PageUrls.SeeOther(http, form.Next) : Page(http, form with { Problem = problem });
    }

    private static async Task<ConfirmForm> FormAsync(HttpContext http, IdentityProof proof, string? next, ProblemResult? problem) => new(
        NextOf(next), await proof.HasSecondFactorAsync(http.Operator().UserId, http.RequestAborted), problem);

    private static PageResult Page(HttpContext http, ConfirmForm form) => OperatorPages.Page(
        http, "Confirm that it is you", new Operators_ConfirmPage { Model = form }, form.Problem);

    private static string NextOf(string? path) =>
        path is { Length: <= MaxNext } && path.Split('/')[0] == "operator"
        && path.All(static letter => char.IsAsciiLetterLower(letter) || char.IsAsciiDigit(letter) || letter is '/' or '-')
            ? path
            : Start;
}

/// <summary>A proof of identity that belongs to a session. Throttled as a login is.</summary>
internal sealed class IdentityProof(
    Database database, PasswordProof passwords, SecondFactors factors, Throttle throttle, TimeProvider time)
{
    public Task<bool> HasSecondFactorAsync(Guid userId, CancellationToken cancellationToken) => database.ReadAsync(
        session => SecondFactors.IsOnAsync(session, userId, cancellationToken), cancellationToken);

    public Task<ProblemResult?> ByPasswordAsync(
        Caller caller, string password, Origin origin, CancellationToken cancellationToken) => passwords.TryAsync(
        caller.UserId,
        password,
        origin,
        prepare: static _ => true,
        (session, _) => KeepAsync(session, caller, cancellationToken),
        cancellationToken);

    public async Task<ProblemResult?> ByCodeAsync(Caller caller, string code, Origin origin, CancellationToken cancellationToken)
    {
        var attempt = await throttle.RecordAsync(throttle.Rules.Code(caller.UserId), cancellationToken);
        if (attempt.RetryAfter is { } wait)
            return AccountProblems.TooMany("wrong codes", wait);
        return await database.WriteAsync(
            async session =>
            {
                if (!await factors.UseAsync(session, caller.UserId, code, origin, cancellationToken))
                    return AccountProblems.WrongCode;
                await Throttle.WithdrawAsync(session, attempt, cancellationToken);
                await KeepAsync(session, caller, cancellationToken);
                return null;
            },
            cancellationToken);
    }

    private Task<int> KeepAsync(Session session, Caller caller, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"update sessions set proved_at = {time.GetInstant()} where id = {caller.SessionId}", cancellationToken);
}
