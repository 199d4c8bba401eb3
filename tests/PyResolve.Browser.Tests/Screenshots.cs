using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>Pictures of what the tests see, in the folder that <c>PYRESOLVE_SCREENSHOTS</c> names; none without it.</summary>
internal static class Screenshots
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("PYRESOLVE_SCREENSHOTS") is { Length: > 0 } folder ? folder : null;

    public static async Task TakeAsync(IPage page, string name)
    {
        if (Folder is not null)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Path.GetFullPath(Folder), $"{name}.png") });
    }
}
