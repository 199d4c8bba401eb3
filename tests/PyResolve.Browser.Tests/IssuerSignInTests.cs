using Microsoft.Playwright;
using PyResolve.Server.Tests.Identity;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>A person who has an account with an OpenID Connect issuer, and none here.</summary>
public sealed class IssuerSignInTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private TestIssuer _issuer = null!;
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync()
    {
        _issuer = await TestIssuer.StartAsync(new TestClock(TimeProvider.System.GetUtcNow()));
        _server = await ServerProcess.StartAsync(_issuer.SignInSettings.ToDictionary(
            static setting => setting.Key.Replace(":", "__", StringComparison.Ordinal), static setting => setting.Value));
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _issuer.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_connects_a_device_comes_back_from_the_issuer_to_the_same_code(bool runsScripts)
    {
        var started = await new Caller(_server.Http).PostAsync("/auth/device/code", new { client_id = "pyresolve-cli" });
        var page = await browser.OpenAsync(
            _consoleErrors, started["verification_uri_complete"].GetString()!, new() { JavaScriptEnabled = runsScripts });
        if (runsScripts)
            await PageAppearance.CheckAsync(page, "device-issuer");

        await FollowAsync(page, "Continue with Example Login");

        await HeadingAsync(page, "Is this your device?");
        await Expect(page.Locator("p.code")).ToHaveTextAsync(started["user_code"].GetString()!);
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();
        await HeadingAsync(page, "Device connected");
        _consoleErrors.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_comes_through_the_issuer_makes_a_key_and_comes_back_to_the_page_that_was_asked_for(bool runsScripts)
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-up"), new() { JavaScriptEnabled = runsScripts });
        await FollowAsync(page, "Continue with Example Login");
        await HeadingAsync(page, "Overview");
        await FollowAsync(page, "API keys");
        await page.GetByLabel("Name").FillAsync("Laptop");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create a key" }).ClickAsync();
        await HeadingAsync(page, "Your new API key");
        await FollowAsync(page, "I have saved it");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        await page.GotoAsync(Address("/app/keys"));
        await FollowAsync(page, "Continue with Example Login");

        await HeadingAsync(page, "API keys");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Laptop" })).ToBeVisibleAsync();
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_buttons_fit_every_screen_and_a_refusal_can_be_read_by_everybody()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-in"));
        await PageAppearance.CheckAsync(page, "sign-in-issuer");
        await page.GotoAsync(Address("/sign-up"));
        await PageAppearance.CheckAsync(page, "sign-up-issuer");
        _issuer.SignIn.IsDenied = true;
        await FollowAsync(page, "Continue with Example Login");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("did not agree to sign in");
        await PageAppearance.CheckAsync(page, "sign-in-issuer-denied");
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private static Task FollowAsync(IPage page, string link) => page.GetByRole(AriaRole.Link, new() { Name = link }).First.ClickAsync();

    private static Task HeadingAsync(IPage page, string heading) =>
        Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
}
