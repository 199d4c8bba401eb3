namespace PyResolve.Server.Pages;

internal static class PageUrls
{
    /// <param name="path">From the root, without a slash before it.</param>
    public static string Relative(HttpContext http, string path)
    {
        var depth = Math.Max(0, http.Request.Path.Value!.Count(static letter => letter == '/') - 1);
        var root = string.Concat(Enumerable.Repeat("../", depth));
        return root.Length + path.Length == 0 ? "./" : root + path;
    }

    /// <summary>
    /// Whether a link may lead to the address: it is no script, and no address that only this machine's other programs open.
    /// </summary>
    public static bool IsWebAddress(string address) => Uri.TryCreate(address, UriKind.Absolute, out var url)
        && (url.Scheme == Uri.UriSchemeHttps || SameOrigin.IsLoopbackHttp(url));

    /// <summary>Answers a form, so that reloading the page that follows sends nothing again.</summary>
    public static IResult SeeOther(HttpContext http, string path)
    {
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers.Location = Relative(http, path);
        return TypedResults.StatusCode(StatusCodes.Status303SeeOther);
    }
}
