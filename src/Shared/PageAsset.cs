using System.Security.Cryptography;

namespace PyResolve;

/// <summary>
/// A file that pages link to, embedded in this assembly. Compiled into the server and into the Stripe simulator.
/// </summary>
internal sealed record PageAsset(string Name, byte[] Content, string ContentType)
{
    /// <summary>For URLs that may be cached forever.</summary>
    public string Version { get; } = Convert.ToHexStringLower(SHA256.HashData(Content).AsSpan(0, 8));

    public static PageAsset Image(string name) => new(name, Read(name), "image/svg+xml");

    public static PageAsset Script(string name) => new(name, Read(name), "text/javascript; charset=utf-8");

    /// <param name="name">Appended to <c>base.css</c>.</param>
    public static PageAsset Stylesheet(string name) => new(name, [.. Read("base.css"), .. Read(name)], "text/css; charset=utf-8");

    public Task WriteAsync(HttpContext http)
    {
        http.Response.ContentType = ContentType;
        http.Response.ContentLength = Content.Length;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return http.Response.Body.WriteAsync(Content, http.RequestAborted).AsTask();
    }

    private static byte[] Read(string name)
    {
        using var stream = typeof(PageAsset).Assembly.GetManifestResourceStream($"assets/{name}")
            ?? throw new InvalidOperationException($"Embedded resource assets/{name} not found.");
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        return content;
    }
}
