namespace PyResolve.StripeSimulator.Pages;

internal sealed record Page(string Title, Html Body, int Status = StatusCodes.Status200OK)
{
    /// <summary>Own styles, no script, no frame around the page. Forms may redirect anywhere: a payment leads back to the shop.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";

    public string? Location { get; private init; }

    public static Page Redirect(string location) => new("", $"", StatusCodes.Status303SeeOther) { Location = location };

    public static Page Message(string title, Html body, int status = StatusCodes.Status404NotFound) => new(title, $"""
        <div class="narrow card">
        <h1>{title}</h1>
        {body}
        </div>
        """, status);

    public Task WriteAsync(HttpContext http)
    {
        var response = http.Response;
        response.StatusCode = Status;
        response.Headers.CacheControl = "no-store";
        if (Location is not null)
        {
            response.Headers.Location = Location;
            return Task.CompletedTask;
        }

        response.ContentType = "text/html; charset=utf-8";
        response.Headers.ContentSecurityPolicy = ContentSecurityPolicy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "same-origin";
        return response.WriteAsync(Layout().ToString(), http.RequestAborted);
    }

    private Html Layout() => Html.Document($"{Title} · Stripe simulator", "/assets/", "simulator.css", $"""
        <header>
        <img src="/assets/icon.svg" alt="" width="24" height="24"><span>Stripe simulator</span><span class="badge">No real money</span>
        </header>
        <main>
        {Body}
        </main>
        """);
}
