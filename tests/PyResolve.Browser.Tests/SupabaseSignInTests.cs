using Microsoft.Playwright;
using PyResolve.Server.Tests.Identity;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>A person whose password Supabase keeps.</summary>
public sealed class SupabaseSignInTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private TestIssuer _issuer = null!;
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync(new TestClock(TimeProvider.System.GetUtcNow()));
        _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
        {
            // Plain http to an issuer on this machine is for development alone.
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["SUPABASE_URL"] = _issuer.Url,
            ["SUPABASE_ANON_KEY"] = TestSupabase.AnonKey,
            ["PyResolve__Supabase__Passwords"] = "true",
        });
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Fact]
    public async Task The_form_fits_every_screen_and_can_be_read_by_everybody_empty_wrong_and_out_of_reach()
    {
        var page = await OpenAsync();
        await PageAppearance.CheckAsync(page, "sign-in-supabase");

        await SignInAsync(page, "not the password");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Wrong email or password.");
        await PageAppearance.CheckAsync(page, "sign-in-supabase-wrong");
        _issuer.IsDown = true;
        await SignInAsync(page, TestSupabase.Password);
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await PageAppearance.CheckAsync(page, "sign-in-supabase-down");

        _consoleErrors.ShouldAllBe(error => error.Contains("Failed to load resource: the server responded with a status of"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_signs_in_by_keyboard_alone_and_comes_to_the_page_that_was_asked_for(bool runsScripts)
    {
        var page = await OpenAsync(new() { JavaScriptEnabled = runsScripts });
        await Expect(page.GetByLabel("Email")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(_issuer.Supabase.Email);
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync(TestSupabase.Password);
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("API keys");
        _consoleErrors.ShouldBeEmpty();
    }

    private Task<IPage> OpenAsync(BrowserNewPageOptions? options = null) => browser.OpenAsync(
        _consoleErrors, new Uri(_server.Address, "/sign-in/with/supabase?next=app/keys").ToString(), options);

    private async Task SignInAsync(IPage page, string password)
    {
        await page.GetByLabel("Email").FillAsync(_issuer.Supabase.Email);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
