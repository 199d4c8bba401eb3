using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Email;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Site;

/// <summary>
/// The settings pages. Each form asks for what the API asks for. What was saved is answered with a redirect, so that a reload sends nothing
/// again.
/// </summary>
internal static class SettingsPages
{
    private const string Path = "app/settings";

    public static void MapSettingsPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/app/settings", Show);
        pages.MapPost("/app/settings/name", Rename);
        pages.MapPost("/app/settings/email", ChangeEmail);
        pages.MapPost("/app/settings/password", ChangePassword);
        pages.MapPost("/app/settings/sessions/{id:guid}/end", EndSession);
        pages.MapPost("/app/settings/sessions/end-others", EndOtherSessions);
        pages.MapGet("/app/settings/delete", ShowDeletion);
        pages.MapPost("/app/settings/delete", Delete);
        pages.MapSecondFactorSettings();
    }

    public static IResult SignInFirst(HttpContext http) => SitePages.SignInFirst(http, Path);

    private static async Task<IResult> Show(HttpContext http, WebSessions web, SettingsReader reader)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        SettingsSection? saved = Enum.TryParse<SettingsSection>(http.Request.Query["saved"], ignoreCase: true, out var section)
            && Enum.IsDefined(section) ? section : null;
        return await PageAsync(http, reader, caller, saved);
    }

    private static async Task<IResult> Rename(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, OwnAccount own)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        var name = (await FormBody.ReadAsync(http)).Field("name");
        var errors = new FieldErrors();
        errors.Label("name", name, AccountEndpoints.MaxNameLength, required: true);
        if (errors.Problem is { } invalid)
            return await PageAsync(http, reader, caller, SettingsSection.Name, name, new ProblemResult(invalid));
        await own.RenameAsync(caller, name!, Origin.Of(http), http.RequestAborted);
        return Saved(http, SettingsSection.Name);
    }

    private static async Task<IResult> ChangeEmail(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, EmailChanges changes)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (email, password) = (form.Field("new_email"), form.Field("email_password"));
        var errors = new FieldErrors();
        errors.Email("new_email", email);
        errors.Text("email_password", password, Passwords.MaxLength);
        if (errors.Problem is { } invalid)
            return await PageAsync(http, reader, caller, SettingsSection.Email, email, new ProblemResult(invalid));
        var problem = await changes.AskAsync(caller, EmailAddresses.Parse(email!)!, password, Origin.Of(http), http.RequestAborted);
        return problem is null
            ? Saved(http, SettingsSection.Email)
            : await PageAsync(http, reader, caller, SettingsSection.Email, email, At("email_password", problem));
    }

    private static async Task<IResult> ChangePassword(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, OwnAccount own, CommonPasswords common)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (current, chosen) = (form.Field("current_password"), form.Field("new_password"));
        var errors = new FieldErrors();
        errors.Text("current_password", current, Passwords.MaxLength, required: true);
        errors.Password("new_password", chosen, common, caller.Email);
        if (chosen is not null && form.Field("repeated") != chosen)
            errors.Add("repeated", "is not the same both times.");
        if (errors.Problem is { } invalid)
            return await PageAsync(http, reader, caller, SettingsSection.Password, problem: new ProblemResult(invalid));
        var problem = await own.ChangePasswordAsync(caller, current!, chosen!, Origin.Of(http), http.RequestAborted);
        return problem is null
            ? Saved(http, SettingsSection.Password)
            : await PageAsync(http, reader, caller, SettingsSection.Password, problem: problem);
    }

    private static async Task<IResult> EndSession(Guid id, HttpContext http, SameOrigin sameOrigin, WebSessions web, OwnAccount own)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        return await own.EndSessionAsync(caller, id, Origin.Of(http), http.RequestAborted)
            ? Saved(http, SettingsSection.Sessions)
            : throw new ProblemException(Problems.NotFound("There is no such session."));
    }

    private static async Task<IResult> EndOtherSessions(HttpContext http, SameOrigin sameOrigin, WebSessions web, OwnAccount own)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        await own.EndOtherSessionsAsync(caller, Origin.Of(http), http.RequestAborted);
        return Saved(http, SettingsSection.Sessions);
    }

    private static async Task<IResult> ShowDeletion(HttpContext http, WebSessions web, SettingsReader reader) =>
        await web.FindAsync(http) is { } caller ? await DeletionPageAsync(http, reader, caller) : SignInPages.Ask(http);

    private static async Task<IResult> Delete(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, SettingsReader reader, AccountDeletion deletion)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SignInFirst(http);
        WebSessions.RequireSafeConnection(http);
        var form = await FormBody.ReadAsync(http);
        var (typed, password) = (form.Field("typed"), form.Field("password"));
        var errors = new FieldErrors();
        errors.Text("password", password, Passwords.MaxLength);
        if (typed?.Trim().Equals(caller.Email, StringComparison.OrdinalIgnoreCase) is not true)
            errors.Add("typed", "is not the address of this account.");
        if (errors.Problem is { } invalid)
            return await DeletionPageAsync(http, reader, caller, new ProblemResult(invalid));
        if (await deletion.TryAsync(caller.UserId, password, Origin.Of(http), http.RequestAborted) is { } problem)
            return await DeletionPageAsync(http, reader, caller, problem);
        await web.EndAsync(http);
        return Message.Page(new Message(
            "Your account was deleted", "Its API keys, sessions and subscription have ended.", MessageMark.Approved));
    }

    private static async Task<IResult> DeletionPageAsync(
        HttpContext http, SettingsReader reader, Caller caller, ProblemResult? problem = null)
    {
        var model = new AccountDeletionForm(caller, await reader.HasPasswordAsync(caller.UserId, http.RequestAborted), problem);
        return SitePages.Page("Delete your account", new Site_DeletionPage { Model = model }, caller, problem);
    }

    private static async Task<IResult> PageAsync(
        HttpContext http, SettingsReader reader, Caller caller, SettingsSection? section, string? typed = null,
        ProblemResult? problem = null)
    {
        Guid? before = null;
        if (http.Request.Query["cursor"] is [{ Length: > 0 } text])
        {
            before = Guid.TryParseExact(text, "D", out var last)
                ? last
                : throw new ProblemException(Problems.Malformed("The cursor is not one of this list."));
        }

        var model = await reader.ReadAsync(caller, before, http.RequestAborted) with
        {
            Section = section, Typed = typed, Problem = problem,
        };
        return SitePages.Page("Settings", new Site_SettingsPage { Model = model }, caller, problem);
    }

    private static IResult Saved(HttpContext http, SettingsSection section)
    {
        var name = section.ToString().ToLowerInvariant();
        return PageUrls.SeeOther(http, $"{Path}?saved={name}#{name}");
    }

    /// <summary>Names a problem's field as the form does, where the API calls it <c>password</c>.</summary>
    private static ProblemResult At(string field, ProblemResult problem) =>
        problem.Problem.Errors?.GetValueOrDefault("password") is [var error, ..]
            ? new ProblemResult(Problems.Invalid(field, error))
            : problem;
}

internal sealed class SettingsReader(Database database, Sessions sessions, SecondFactors factors, EmailOutbox outbox)
{
    private const int SessionsShown = 50;

    /// <param name="before">The last session of the page before; null: the newest are shown.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public async Task<Settings> ReadAsync(Caller caller, Guid? before, CancellationToken cancellationToken)
    {
        var account = await database.FirstAsync(
            $"""
            select p.email_verified_at, w.user_id
            from profiles p
            left join passwords w on w.user_id = p.id
            where p.id = {caller.UserId}
            """,
            static row => new { IsVerified = row.InstantOrNull(0) is not null, HasPassword = row.UuidOrNull(1) is not null },
            cancellationToken);
        return new Settings(
            caller,
            account is { HasPassword: true },
            account is { IsVerified: true },
            outbox.IsEnabled,
            await factors.ReadAsync(caller.UserId, cancellationToken),
            await ReadSessionsAsync(caller, before, cancellationToken),
            Section: null,
            Typed: null,
            Problem: null);
    }

    private async Task<SessionPage> ReadSessionsAsync(Caller caller, Guid? before, CancellationToken cancellationToken)
    {
        var found = await sessions.ListAsync(caller, cancellationToken, SessionsShown + 1, before);
        List<SessionInfo> page = [.. found.Take(SessionsShown)];
        return new SessionPage(page, found.Count > SessionsShown ? page[^1].Id : null, IsFirst: before is null);
    }

    public Task<bool> HasPasswordAsync(Guid userId, CancellationToken cancellationToken) => database.ReadAsync(
        session => StoredPasswords.ExistsAsync(session, userId, cancellationToken), cancellationToken);
}
