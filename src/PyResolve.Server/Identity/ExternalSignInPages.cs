using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Identity;

/// <summary>To another service, and back from it.</summary>
internal static class ExternalSignInPages
{
    public static void MapExternalSignIn(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("/sign-in/with/{service}").ArePages();
        pages.MapGet("", Begin);
        pages.MapGet("/callback", Finish);
    }

    private static async Task<IResult> Begin(
        HttpContext http, string service, SignInClients clients, OidcSignIn oidc, WebSessions web)
    {
        var next = SignInPages.NextOf(http.Request.Query["next"]);
        if (clients.Find(service) is not { } client || http.IsHead())
            return PageUrls.SeeOther(http, "sign-in");
        if (await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, next ?? SignInPages.App);
        web.RequireSafeReturn();
        http.Response.Headers.CacheControl = "no-store";
        return await oidc.BeginAsync(http, client, next ?? SignInPages.App) is { } problem
            ? SignInPages.StartAgain(http, problem)
            : TypedResults.Empty;
    }

    private static async Task<IResult> Finish(
        HttpContext http, string service, SignInClients clients, OidcSignIn oidc, ExternalLogin login, WebSessions web)
    {
        if (clients.Find(service) is not { } client || http.IsHead())
            return PageUrls.SeeOther(http, "sign-in");
        var back = await oidc.FinishAsync(http, client);
        if (back.Identity is not { } identity)
            return SignInPages.StartAgain(http, back.Problem!);

        // Sealed on the way, and checked again: it decides where the browser goes.
        var next = SignInPages.NextOf(back.Next) ?? SignInPages.App;
        var outcome = await login.EnterAsync(identity, next, SessionClient.Of(http), http.RequestAborted);
        if (outcome.PendingToken is { } pending)
            return SecondFactorPages.Ask(pending);
        if (outcome.Opened is not { } opened)
            return SignInPages.StartAgain(http, outcome.Problem!);
        web.SetCookieOnReturn(http, opened);
        return PageUrls.SeeOther(http, next);
    }
}
