using Microsoft.Playwright;

namespace PyResolve.Browser.Tests;

/// <summary>
/// One real Chromium for all tests: the one that <c>CHROMIUM</c> names, else an installed one. Without any, the tests fail and say so.
/// Thread-safe.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/snap/bin/chromium"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = Find() });
    }

    /// <summary>Opens an address in a page with no past: no cookies, no cache.</summary>
    /// <param name="complaints">Gets what appears on the page's console as an error or a warning, which is where a refused style or script shows.</param>
    /// <param name="address">Where to go.</param>
    /// <param name="options">How the page is seen.</param>
    public async Task<IPage> OpenAsync(ICollection<string> complaints, string address, BrowserNewPageOptions? options = null)
    {
        var page = await _browser!.NewPageAsync(options ?? new BrowserNewPageOptions());
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                complaints.Add(message.Text);
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

    private static string Find() =>
        Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named
            ? named
            : Places.FirstOrDefault(File.Exists)
                ?? throw new InvalidOperationException("These tests drive Chromium, and there is none. Install it, or set CHROMIUM to its path.");
}
