using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Identity;

/// <summary>The form for a password that Supabase keeps. <c>Next</c>: as in <see cref="SignInForm"/>.</summary>
internal sealed record SupabasePasswordForm(string? Email, string? Next, ProblemResult? Problem);

/// <summary>The pages with the form for a password that Supabase keeps. Wrong passwords count as those of our own accounts do.</summary>
internal static class SupabasePages
{
    public static void MapSupabasePages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/sign-in/with/supabase", Show);
        pages.MapPost("/sign-in/with/supabase", SignIn);
    }

    private static async Task<IResult> Show(HttpContext http, SignInClients clients, WebSessions web)
    {
        var next = SignInPages.NextOf(http.Request.Query["next"]);
        if (clients.Supabase is not { HasPasswords: true })
            return PageUrls.SeeOther(http, "sign-in");
        return await web.FindAsync(http) is null ? Page(email: null, next) : PageUrls.SeeOther(http, next ?? SignInPages.App);
    }

    private static async Task<IResult> SignIn(
        HttpContext http, SameOrigin sameOrigin, SignInClients clients, SupabaseSignIn supabase, ExternalLogin login, Throttle throttle,
        Database database)
    {
        sameOrigin.Require(http);
        WebSessions.RequireSafeConnection(http);
        if (clients.Supabase is not { HasPasswords: true })
            return PageUrls.SeeOther(http, "sign-in");
        var (email, password, next, invalid) = await LoginForm.ReadAsync(http);
        if (invalid is not null)
            return Page(email, next, invalid);

        var client = SessionClient.Of(http);
        var meters = await throttle.LogInAsync(email!, client.Origin.Address, http.RequestAborted);
        var attempt = await throttle.RecordAsync(meters, http.RequestAborted);
        if (attempt.RetryAfter is { } wait)
            return Page(email, next, AccountProblems.TooManyLogins(wait));
        var back = await supabase.TryPasswordAsync(email!, password!, http.RequestAborted);
        if (back.Problem != AccountProblems.WrongLogin)
            await database.WriteAsync(session => Throttle.WithdrawAsync(session, attempt, http.RequestAborted), http.RequestAborted);
        if (back.Identity is not { } identity)
            return Page(email, next, back.Problem);

        var outcome = await login.EnterAsync(identity, next ?? SignInPages.App, client, http.RequestAborted);
        if (outcome.PendingToken is { } pending)
            return SecondFactorPages.Ask(pending);
        if (outcome.Opened is not { } opened)
            return Page(email, next, outcome.Problem);
        WebSessions.SetCookie(http, opened);
        return PageUrls.SeeOther(http, next ?? SignInPages.App);
    }

    private static PageResult Page(string? email, string? next, ProblemResult? problem = null) =>
        new("Sign in with Supabase", new Identity_SupabasePasswordPage { Model = new SupabasePasswordForm(email, next, problem) })
        {
            Problem = problem,
        };
}
