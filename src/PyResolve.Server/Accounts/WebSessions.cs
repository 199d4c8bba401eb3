using PyResolve.Client.Wire;
using PyResolve.Client;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Sessions in a cookie that scripts cannot read and forms of other sites do not send. The API ignores the cookie.</summary>
internal sealed class WebSessions(Database database, Sessions sessions, AuditLog audit, PublicUrl publicUrl)
{
    /// <summary>
    /// The cookie's name. Over https no other site, not even another name of this domain, can set a cookie with this prefix.
    /// </summary>
    public const string CookieName = "__Host-pyr_session";

    /// <summary>The cookie's name on this machine over http, where a browser does not keep the other one.</summary>
    public const string LoopbackCookieName = "pyr_session";

    /// <summary>
    /// Finds the caller, and makes it the request's. On the pages of an account that an operator looks at, this is that account, whose
    /// forms are refused.
    /// </summary>
    public async Task<Caller?> FindAsync(HttpContext http)
    {
        if (TokenOf(http) is not { } token || !TokenKind.Session.HasPrefix(token))
            return null;
        var caller = await sessions.FindAsync(token, http.RequestAborted);
        if (caller?.Viewing is { } viewed && http.Request.Path.StartsWithSegments("/app", StringComparison.OrdinalIgnoreCase))
            caller = View(http, viewed);
        http.Features.Set(caller);
        return caller;
    }

    private static Caller View(HttpContext http, ViewedAccount viewed) =>
        HttpMethods.IsGet(http.Request.Method)
            ? new Caller(viewed.UserId, viewed.Email, viewed.Name) { ViewedUntil = viewed.Until }
            : throw new ProblemException(Problems.Forbidden(
                ProblemCodes.ScopeMissing,
                $"You look at the pages of {viewed.Email}, and change nothing there. End the view on the operator's pages first."));

    /// <summary>Throws over plain HTTP, except on this machine: the browser would not keep the cookie.</summary>
    public static void RequireSafeConnection(HttpContext http)
    {
        if (SameOrigin.OriginOf(http) is { } origin && origin.Scheme == Uri.UriSchemeHttp && !Loopback.Is(origin))
        {
            throw new ProblemException(Problems.Forbidden(
                ProblemCodes.CrossOrigin,
                "Passwords are taken over https alone, or on the server's own machine. Open this page under https, and set "
                + "PYRESOLVE_PUBLIC_URL to that address."));
        }
    }

    public static void SetCookie(HttpContext http, LogInResponse opened) => SetCookie(http, opened, IsSecure(http));

    /// <summary>
    /// Sets the cookie of a browser that another service has sent back, without an <c>Origin</c>: the server's own address counts.
    /// </summary>
    public void SetCookieOnReturn(HttpContext http, LogInResponse opened) => SetCookie(http, opened, !IsLoopbackHttp);

    /// <summary>Throws as <see cref="RequireSafeConnection"/> does, before another service is asked to send the browser back.</summary>
    public void RequireSafeReturn()
    {
        if (!publicUrl.Value.StartsWith("https:", StringComparison.OrdinalIgnoreCase) && !IsLoopbackHttp)
        {
            throw new ProblemException(Problems.Forbidden(
                ProblemCodes.CrossOrigin,
                "Other services lead back to https alone. Ask who runs this server to set PYRESOLVE_PUBLIC_URL to its https address."));
        }
    }

    public async Task EndAsync(HttpContext http)
    {
        if (await FindAsync(http) is { SessionId: { } id } caller)
        {
            await database.WriteAsync(
                async session =>
                {
                    await sessions.EndAsync(session, id, http.RequestAborted);
                    await audit.WriteAsync(
                        session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
                },
                http.RequestAborted);
        }

        http.Response.Cookies.Delete(NameFor(IsSecure(http)), Cookie(IsSecure(http), expiresAt: null));
    }

    private string? TokenOf(HttpContext http)
    {
        if (http.Request.Cookies[CookieName] is { } token)
            return token;
        var isOnThisMachine = !publicUrl.Value.StartsWith("https:", StringComparison.OrdinalIgnoreCase)
            && Uri.TryCreate($"http://{http.Request.Host}", UriKind.Absolute, out var host) && Loopback.Is(host);
        return isOnThisMachine ? http.Request.Cookies[LoopbackCookieName] : null;
    }

    private bool IsLoopbackHttp => SameOrigin.IsLoopbackHttp(new Uri(publicUrl.Value));

    private static void SetCookie(HttpContext http, LogInResponse opened, bool isSecure) => http.Response.Cookies.Append(
        NameFor(isSecure), opened.SessionToken, Cookie(isSecure, opened.SessionExpiresAt));

    private static string NameFor(bool isSecure) => isSecure ? CookieName : LoopbackCookieName;

    // The browser's Origin header shows, also through proxies, whether this is plain HTTP on this machine.
    private static bool IsSecure(HttpContext http) => SameOrigin.OriginOf(http) is not { } origin || !SameOrigin.IsLoopbackHttp(origin);

    private static CookieOptions Cookie(bool isSecure, DateTimeOffset? expiresAt) => new()
    {
        HttpOnly = true,
        Secure = isSecure,
        SameSite = SameSiteMode.Lax,
        Path = "/",
        Expires = expiresAt,
        IsEssential = true,
    };
}
