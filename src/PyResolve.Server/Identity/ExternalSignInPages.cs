using PyResolve.Server.Accounts;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;

namespace PyResolve.Server.Identity;

/// <summary>The routes that lead to another service, and back from it.</summary>
internal static class ExternalSignInPages
{
    public static void MapExternalSignIn(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("").ArePages();
        pages.MapGet("/sign-in/with/{service}", Begin);
        pages.MapGet("/sign-in/with/{service}/callback", Finish);
        pages.MapSupabasePages();
    }

    private static async Task<IResult> Begin(
        HttpContext http, string service, SignInClients clients, OidcSignIn oidc, SupabaseSignIn supabase, WebSessions web)
    {
        var next = SignInPages.NextOf(http.Request.Query["next"]);
        var (client, provider) = (clients.Find(service), clients.Supabase?.Find(service));
        if ((client is null && provider is null) || http.IsHead())
            return PageUrls.SeeOther(http, "sign-in");
        if (await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, next ?? SignInPages.App);
        web.RequireSafeReturn();
        http.Response.Headers.CacheControl = "no-store";
        if (client is null)
            return TypedResults.Redirect(supabase.Begin(http, provider!, next ?? SignInPages.App));
        return await oidc.BeginAsync(http, client, next ?? SignInPages.App) is { } problem
            ? SignInPages.StartAgain(http, problem)
            : TypedResults.Empty;
    }

    private static async Task<IResult> Finish(
        HttpContext http, string service, SignInClients clients, OidcSignIn oidc, SupabaseSignIn supabase, ExternalLogin login,
        WebSessions web)
    {
        var (client, provider) = (clients.Find(service), clients.Supabase?.Find(service));
        if ((client is null && provider is null) || http.IsHead())
            return PageUrls.SeeOther(http, "sign-in");
        var back = client is null ? await supabase.FinishAsync(http, provider!) : await oidc.FinishAsync(http, client);
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
