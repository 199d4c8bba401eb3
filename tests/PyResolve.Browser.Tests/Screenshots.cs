using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>
/// Saves pictures of the pages to the folder <c>PYRESOLVE_SCREENSHOTS</c> (a full path), if it is set. To update the picture in the guide:
/// <c>PYRESOLVE_SCREENSHOTS=$PWD/docs/images dotnet run --project tests/PyResolve.Browser.Tests --
/// -method "*compares_the_code_and_approves"</c>.
/// </summary>
internal static class Screenshots
{
    private static readonly string? Folder =
        Environment.GetEnvironmentVariable("PYRESOLVE_SCREENSHOTS") is { Length: > 0 } folder ? folder : null;

    public static async Task TakeAsync(IPage page, string name)
    {
        if (Folder is not null)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Folder, $"{name}.png") });
    }
}
