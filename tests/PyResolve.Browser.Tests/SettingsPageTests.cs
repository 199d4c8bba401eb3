using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>The settings of an account, its second factor and its log, as a person uses them in Chromium.</summary>
public sealed class SettingsPageTests(Browser browser) : IAsyncLifetime
{
    private const string Email = "ada@example.com";

    private readonly List<string> _consoleErrors = [];
    private readonly string _mail = Directory.CreateTempSubdirectory("pyresolve-mail-").FullName;
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
    {
        ["PyResolve__PasswordIterations"] = "1000",
        ["PyResolve__EmailFolder"] = _mail,
    });

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_mail, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_sets_up_a_second_factor_and_signs_in_with_it_with_and_without_JavaScript(bool runsScripts)
    {
        var page = await SignedInAsync(runsScripts);
        await page.GetByRole(AriaRole.Link, new() { Name = "Settings" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Turn it on" }).ClickAsync();
        await FillAsync(page, "Password", TestAccount.Password, "Continue");
        var app = await ScannedAsync(page);
        await FillAsync(page, "The code that your app shows", app.Code(), "Turn the second factor on");
        await HeadingAsync(page, "Your recovery codes");
        var recovery = (await page.Locator("pre").TextContentAsync())!.Split('\n');
        await page.GetByRole(AriaRole.Link, new() { Name = "I have saved them" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("10 of your recovery codes are left");

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GotoAsync(Address("/app/audit"));
        await SignInAsync(page);
        await HeadingAsync(page, "Enter the code");
        await FillAsync(page, "Code", app.WrongCode(), "Sign in");
        await Expect(page.GetByText("The code is wrong")).ToBeVisibleAsync();
        await FillAsync(page, "Code", recovery[2], "Sign in");
        await HeadingAsync(page, "Audit log");
        await Expect(page.GetByRole(AriaRole.Table)).ToContainTextAsync("Recovery code used");
        recovery.Length.ShouldBe(10);
        _consoleErrors.Where(error => !error.Contains("401", StringComparison.Ordinal)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_of_the_settings_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await SignedInAsync(runsScripts: true);
        await VisitAsync(page, "/app/settings", "settings");
        await VisitAsync(page, "/app/settings?saved=name", "settings-saved");
        await FillAsync(page, "Current password", "not the password", button: null);
        await FillAsync(page, "New password", "password", button: null);
        await FillAsync(page, "The new password again", "another one", "Change the password");
        await PageAppearance.CheckAsync(page, "settings-wrong");
        await VisitAsync(page, "/app/settings/delete", "settings-delete");
        await VisitAsync(page, "/app/audit", "audit");
        await VisitAsync(page, "/app/audit?action=key.leak_reported", "audit-empty");
        await VisitAsync(page, "/change-email?token=x", "change-email");
    }

    [Fact]
    public async Task Every_page_of_the_second_factor_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await SignedInAsync(runsScripts: true);
        await VisitAsync(page, "/app/settings/second-factor", "second-factor-off");
        await FillAsync(page, "Password", TestAccount.Password, "Continue");
        var app = await ScannedAsync(page);
        await PageAppearance.CheckAsync(page, "second-factor-scan");
        await FillAsync(page, "The code that your app shows", app.Code(), "Turn the second factor on");
        await PageAppearance.CheckAsync(page, "recovery-codes");
        await page.GetByRole(AriaRole.Link, new() { Name = "I have saved them" }).ClickAsync();
        await VisitAsync(page, "/app/settings/second-factor", "second-factor-on");
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await SignInAsync(page);
        await PageAppearance.CheckAsync(page, "code");
        await FillAsync(page, "Code", app.WrongCode(), "Sign in");
        await PageAppearance.CheckAsync(page, "code-wrong");
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private async Task<IPage> SignedInAsync(bool runsScripts)
    {
        await TestAccount.SignUpAsync(_server.Http, Email);
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-in"), new() { JavaScriptEnabled = runsScripts });
        await SignInAsync(page);
        await HeadingAsync(page, "Overview");
        return page;
    }

    private static async Task SignInAsync(IPage page)
    {
        await page.GetByLabel("Email").FillAsync(Email);
        await FillAsync(page, "Password", TestAccount.Password, "Sign in");
    }

    private async Task VisitAsync(IPage page, string path, string name)
    {
        await page.GotoAsync(Address(path));
        await PageAppearance.CheckAsync(page, name);
    }

    private static async Task<Authenticator> ScannedAsync(IPage page) =>
        new((await page.Locator(".secret").TextContentAsync())!.Trim(), TimeProvider.System);

    private static async Task FillAsync(IPage page, string label, string text, string? button)
    {
        await page.GetByLabel(label, new() { Exact = true }).FillAsync(text);
        if (button is not null)
            await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
    }

    private static Task HeadingAsync(IPage page, string heading) =>
        Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
}
