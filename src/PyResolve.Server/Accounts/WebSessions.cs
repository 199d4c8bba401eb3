using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>Sessions in a cookie that scripts cannot read and forms of other sites do not send. The API ignores the cookie.</summary>
internal sealed class WebSessions(Database database, Sessions sessions, AuditLog audit)
{
    public const string CookieName = "pyr_session";

    /// <summary>Also sets the request's caller.</summary>
    public async Task<Caller?> FindAsync(HttpContext http)
    {
        if (http.Request.Cookies[CookieName] is not { } token || !TokenKind.Session.HasPrefix(token))
            return null;
        var caller = await sessions.FindAsync(token, http.RequestAborted);
        http.Features.Set(caller);
        return caller;
    }

    /// <summary>Throws over plain HTTP, except on this machine: the browser would not keep the cookie.</summary>
    public static void RequireSafeConnection(HttpContext http)
    {
        if (SameOrigin.OriginOf(http) is { } origin && origin.Scheme == Uri.UriSchemeHttp && !origin.IsLoopback)
        {
            throw new ProblemException(Problems.Forbidden(
                ProblemCodes.CrossOrigin,
                "Passwords are taken over https alone, or on the server's own machine. Open this page under https, and set "
                + "PYRESOLVE_PUBLIC_URL to that address."));
        }
    }

    public static void SetCookie(HttpContext http, LogInResponse opened) => http.Response.Cookies.Append(
        CookieName, opened.SessionToken, Cookie(http, opened.SessionExpiresAt));

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

        http.Response.Cookies.Delete(CookieName, Cookie(http, expiresAt: null));
    }

    // The browser's Origin header shows, also through proxies, whether this is plain HTTP on this machine.
    private static CookieOptions Cookie(HttpContext http, DateTimeOffset? expiresAt) => new()
    {
        HttpOnly = true,
        Secure = SameOrigin.OriginOf(http) is not { } origin || !SameOrigin.IsLoopbackHttp(origin),
        SameSite = SameSiteMode.Lax,
        Path = "/",
        Expires = expiresAt,
        IsEssential = true,
    };
}
