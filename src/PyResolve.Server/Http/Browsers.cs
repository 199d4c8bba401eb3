using System.Net.Mime;

namespace PyResolve.Server.Http;

internal static class Browsers
{
    /// <summary>
    /// Whether the request names HTML before JSON, by weight and then by order, as browsers do. <c>*/*</c>, which programs send, is no wish
    /// for HTML.
    /// </summary>
    public static bool PreferHtml(HttpContext http) => http.Request.GetTypedHeaders().Accept
        .Where(static media => media.Quality is not 0
            && (Names(media.MediaType, MediaTypeNames.Text.Html) || Names(media.MediaType, MediaTypeNames.Application.Json)))
        .OrderByDescending(static media => media.Quality ?? 1)
        .Select(static media => Names(media.MediaType, MediaTypeNames.Text.Html))
        .FirstOrDefault();

    private static bool Names(Microsoft.Extensions.Primitives.StringSegment media, string type) =>
        media.Equals(type, StringComparison.OrdinalIgnoreCase);
}
