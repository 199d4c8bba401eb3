using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace PyResolve.EndToEnd.Tests.Containers;

/// <summary>A registry on this machine with one image, <c>base:1</c>, which can be pulled.</summary>
internal sealed class ImageRegistry : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ImageRegistry(WebApplication app) => _app = app;

    /// <summary>Such as <c>127.0.0.1:20123</c>.</summary>
    public string Address => new Uri(_app.Urls.Single()).Authority;

    public static async Task<ImageRegistry> StartAsync(BaseImage image)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Error);
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapGet("/v2/", static () => Results.Ok());
        app.MapMethods("/v2/base/manifests/{reference}", ["GET", "HEAD"], (HttpContext http) =>
        {
            http.Response.Headers["Docker-Content-Digest"] = BaseImage.DigestOf(image.Manifest);
            return Results.Bytes(image.Manifest, BaseImage.ManifestType);
        });
        app.MapMethods("/v2/base/blobs/{digest}", ["GET", "HEAD"], (string digest) =>
            image.FindBlob(digest) is { } blob ? Results.Bytes(blob, "application/octet-stream") : Results.NotFound());
        await app.StartAsync();
        return new ImageRegistry(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
