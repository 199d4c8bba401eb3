using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using RazorSlices;

namespace PyResolve.Server.Pages;

internal enum PageWidth
{
    /// <summary>One card in the middle, for a form or a message.</summary>
    Narrow,
    Wide,
}

/// <summary>The title, the width and the rest that the layout shows around a page.</summary>
/// <param name="GoTo">Where the browser goes on to at once; null: nowhere.</param>
internal sealed record PageFrame(string Title, RazorSlice Body, PageWidth Width, string? SignedInAs = null, string? GoTo = null)
{
    public bool IsForOperators { get; init; }

    public bool IsLive { get; init; }

    /// <summary>Until when an operator sees this page of another account; null: nobody but its owner does.</summary>
    public DateTimeOffset? ViewedUntil { get; init; }
}

internal sealed class PageResult(string title, RazorSlice body) : IResult
{
    /// <summary>
    /// The policy of a page: styles, scripts, images and form targets of this site only; nothing inline, no embedding in frames.
    /// </summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        + "frame-ancestors 'none'";

    /// <summary>The policy of a page whose scripts read parts of it again.</summary>
    private const string LiveContentSecurityPolicy = $"{ContentSecurityPolicy}; connect-src 'self'";

    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    /// <summary>The problem that the page shows, and whose status it has.</summary>
    public ProblemResult? Problem { get; init; }

    public PageWidth Width { get; init; }

    /// <summary>The email address of who looks at a wide page; null: nobody has signed in.</summary>
    public string? SignedInAs { get; init; }

    /// <summary>An address, also of another site, that the browser goes on to at once. The page has a link to it.</summary>
    public string? GoTo { get; init; }

    public bool IsForOperators { get; init; }

    public DateTimeOffset? ViewedUntil { get; init; }

    /// <summary>Whether the page has a part that scripts read again (<c>data-live</c>).</summary>
    public bool IsLive { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        if (Problem?.SecurityEvent is { } kind)
            httpContext.ReportRefusal(kind);
        if (Problem?.RetryAfter is { } delay)
            httpContext.Response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        var frame = new PageFrame(Problem is null ? title : $"Error: {title}", body, Width, SignedInAs, GoTo)
        {
            IsForOperators = IsForOperators, ViewedUntil = ViewedUntil, IsLive = IsLive,
        };
        return WriteAsync(httpContext, Problem?.Problem.Status ?? StatusCodes.Status200OK, frame);
    }

    public static Task WriteProblemAsync(HttpContext http, Problem problem) => WriteAsync(
        http,
        problem.Status ?? 500,
        new PageFrame(problem.Title ?? "Problem", new Pages_ProblemPage { Model = problem }, PageWidth.Narrow));

    // Rendered before anything is sent: a template that fails is answered with a problem, and the length is known.
    private static async Task WriteAsync(HttpContext http, int status, PageFrame frame)
    {
        using var content = new MemoryStream();
        using (frame.Body)
        using (var layout = new Pages_Layout { Model = frame, HttpContext = http })
            await layout.RenderAsync(content, Encoder, http.RequestAborted);

        var headers = http.Response.Headers;
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.ContentLength = content.Length;
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = frame.IsLive ? LiveContentSecurityPolicy : ContentSecurityPolicy;
        headers.XFrameOptions = "DENY";
        headers.XContentTypeOptions = "nosniff";
        // Not no-referrer: with it browsers send the origin "null" with the page's own forms.
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["X-Request-Id"] = http.TraceIdentifier;
        await http.Response.Body.WriteAsync(content.GetBuffer().AsMemory(0, (int)content.Length), http.RequestAborted);
    }
}

internal static class PageExtensions
{
    /// <summary>Makes the routes pages: their problems are pages too, and the OpenAPI document leaves them out.</summary>
    public static TBuilder ArePages<TBuilder>(this TBuilder builder)
        where TBuilder : IEndpointConventionBuilder =>
        builder.WithMetadata(new ProblemView(PageResult.WriteProblemAsync)).ExcludeFromDescription();
}
