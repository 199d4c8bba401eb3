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

    /// <summary>A page with no past: no cookies, no cache.</summary>
    public Task<IPage> OpenAsync(BrowserNewPageOptions? options = null) => _browser!.NewPageAsync(options ?? new BrowserNewPageOptions());

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
