using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Pages;

internal sealed class PageResult(string title, Html body, int status = StatusCodes.Status200OK, TimeSpan? retryAfter = null) : IResult
{
    /// <summary>Styles, images and form targets of this site only; no scripts, no embedding in frames.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>As <see cref="ProblemResult.SecurityEvent"/>, of the problem that the page shows.</summary>
    public string? SecurityEvent { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (SecurityEvent is { } kind)
            httpContext.ReportRefusal(kind);
        if (retryAfter is { } delay)
            httpContext.Response.Headers.RetryAfter = $"{Math.Ceiling(delay.TotalSeconds)}";
        return WriteAsync(httpContext, status, title, body);
    }

    public static Task WriteProblemAsync(HttpContext http, Problem problem) =>
        WriteAsync(http, problem.Status ?? 500, problem.Title ?? "Problem", $"""
            <h1>That did not work</h1>
            <p class="alert" role="alert">{problem.Detail}</p>
            <p><a class="button" href="device">Start again</a></p>
            <p class="small">Request {http.TraceIdentifier}</p>
            """);

    private static Task WriteAsync(HttpContext http, int status, string title, Html body)
    {
        var headers = http.Response.Headers;
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        // Not no-referrer: with it browsers send the origin "null" with the page's own forms.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["X-Request-Id"] = http.TraceIdentifier;
        return http.Response.WriteAsync(Layout.Of(title, body).ToString(), http.RequestAborted);
    }
}

internal static class PageExtensions
{
    /// <summary>The problems of these routes are pages too, and the OpenAPI document leaves them out.</summary>
    public static TBuilder ArePages<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ProblemView(PageResult.WriteProblemAsync)).ExcludeFromDescription();
}
