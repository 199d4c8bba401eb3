using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>
/// One real Chromium for all tests: the one that <c>CHROMIUM</c> names, or an installed one. Without Chromium the tests fail.
/// Thread-safe.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] KnownPaths =
        ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = FindChromium() });
    }

    /// <summary>Opens an address in a new page, without cookies or cache.</summary>
    /// <param name="consoleErrors">Receives errors and warnings of the browser's console, such as refused styles and scripts.</param>
    public async Task<IPage> OpenAsync(ICollection<string> consoleErrors, string address, BrowserNewPageOptions? options = null)
    {
        var page = await _browser!.NewPageAsync(options ?? new BrowserNewPageOptions());
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                consoleErrors.Add(message.Text);
        };
        await page.GotoAsync(address);
        return page;
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    private static string FindChromium() =>
        Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named
            ? named
            : KnownPaths.FirstOrDefault(File.Exists)
                ?? throw new InvalidOperationException("These tests need Chromium. Install it, or set CHROMIUM to its path.");
}
