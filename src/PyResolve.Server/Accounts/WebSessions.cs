using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Sessions of the pages: the same as those of the API, in a cookie that scripts cannot read and other sites' forms do not carry. The API
/// never reads the cookie.
/// </summary>
internal sealed class WebSessions(Database database, Sessions sessions, AuditLog audit)
{
    public const string CookieName = "pyr_session";

    /// <summary>Who is signed in, if anybody; from then on the request's caller.</summary>
    public async Task<Caller?> FindAsync(HttpContext http)
    {
        if (http.Request.Cookies[CookieName] is not { } token || !SessionToken.HasTokenForm(token))
            return null;
        var caller = await sessions.FindAsync(token, http.RequestAborted);
        http.Features.Set(caller);
        return caller;
    }

    /// <summary>Throws where the cookie could not be kept: over plain HTTP, this machine apart.</summary>
    public static void RequireSafeConnection(HttpContext http)
    {
        if (SameOrigin.OriginOf(http) is { } origin && origin.Scheme == Uri.UriSchemeHttp && !origin.IsLoopback)
        {
            throw new ProblemException(Problems.Forbidden(
                ProblemCodes.CrossOrigin,
                "Passwords are taken over https alone, or on the server's own machine. Open this page under https, and set PYRESOLVE_PUBLIC_URL to that address."));
        }
    }

    public static void Keep(HttpContext http, LogInResponse opened) => http.Response.Cookies.Append(
        CookieName, opened.SessionToken, Cookie(http, opened.SessionExpiresAt));

    public async Task EndAsync(HttpContext http)
    {
        if (await FindAsync(http) is { SessionId: { } id } caller)
        {
            await database.WriteAsync(
                async session =>
                {
                    await sessions.EndAsync(session, id, http.RequestAborted);
                    await audit.WriteAsync(session, caller.UserId, Origin.Of(http), AuditActions.LoggedOut, target: null, http.RequestAborted);
                },
                http.RequestAborted);
        }

        http.Response.Cookies.Delete(CookieName, Cookie(http, expiresAt: null));
    }

    /// <summary>The origin that the browser names tells, whatever proxies stand between, whether it is this machine without TLS.</summary>
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
