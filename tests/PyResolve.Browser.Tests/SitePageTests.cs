using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>The site and the pages of an account: a server process, and a person who uses the pages in Chromium.</summary>
public sealed class SitePageTests(Browser browser) : IAsyncLifetime
{
    private const string Email = "ada@example.com";

    private static readonly Regex CopiedOrSelected = new("^Copied$|^Selected$", RegexOptions.None, TimeSpan.FromSeconds(1));

    private readonly List<string> _consoleErrors = [];
    private readonly string _mail = Directory.CreateTempSubdirectory("pyresolve-mail-").FullName;
    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

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
    public async Task A_person_signs_up_manages_keys_and_signs_in_again_with_and_without_JavaScript(bool runsScripts)
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/"), new() { JavaScriptEnabled = runsScripts });
        await page.GetByRole(AriaRole.Link, new() { Name = "Create an account" }).ClickAsync();
        await FillSignUpAsync(page);
        await HeadingAsync(page, "Your account is ready");
        await StatusOfKeyAsync(page, 200);
        await page.GetByRole(AriaRole.Link, new() { Name = "Go to your overview" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("0 of 5 migrations used");

        await page.GetByRole(AriaRole.Link, new() { Name = "API keys" }).ClickAsync();
        await page.GetByLabel("Name").FillAsync("CI");
        await page.GetByLabel("Works").SelectOptionAsync("30 days");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create a key" }).ClickAsync();
        await HeadingAsync(page, "Your new API key");
        await StatusOfKeyAsync(page, 200);
        await page.GetByRole(AriaRole.Link, new() { Name = "I have saved it" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "CI", Exact = true }).ClickAsync();
        await page.GetByLabel("The old key still works for").SelectOptionAsync("A minute");
        await page.GetByRole(AriaRole.Button, new() { Name = "Replace the key" }).ClickAsync();
        await HeadingAsync(page, "Your new API key");
        var replaced = await SecretAsync(page);
        await page.GetByRole(AriaRole.Link, new() { Name = "I have saved it" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "CI", Exact = true }).First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke the key" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Cell, new() { Name = "Revoked", Exact = true })).ToBeVisibleAsync();
        await Eventually.HoldsAsync(async () => (await StatusOfAsync(replaced)).ShouldBe(401), cancellationToken: Cancellation);

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GotoAsync(Address("/app/keys"));
        await SignInAsync(page, TestAccount.Password);
        await HeadingAsync(page, "API keys");
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/"));
        await PageAppearance.CheckAsync(page, "start");
        await VisitAsync(page, "/pricing", "pricing");
        await VisitAsync(page, "/sign-in", "sign-in");
        await SignInAsync(page, "not the password");
        await PageAppearance.CheckAsync(page, "sign-in-wrong");
        await VisitAsync(page, "/forgot", "forgot");
        await page.GetByLabel("Email").FillAsync(Email);
        await page.GetByRole(AriaRole.Button, new() { Name = "Send the link" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "forgot-sent");
        await VisitAsync(page, "/sign-up", "sign-up");
        await FillSignUpAsync(page, password: "password");
        await PageAppearance.CheckAsync(page, "sign-up-wrong");
        await FillSignUpAsync(page);
        await PageAppearance.CheckAsync(page, "signed-up");
    }

    [Fact]
    public async Task Every_page_of_an_account_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await SignedUpAsync();
        await VisitAsync(page, "/app", "overview");
        await VisitAsync(page, "/app/keys", "keys");
        await page.GetByLabel("Name").FillAsync("A key with a long name, for the continuous integration of every repository");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create a key" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "key-made");
        await VisitAsync(page, "/app/keys", "keys-two");
        await page.GetByRole(AriaRole.Link, new() { Name = "A key with a long name" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "key");
        await VisitAsync(page, "/pricing", "pricing-own");
        await VisitAsync(page, "/app/plan", "plan-nothing-for-sale");
        await VisitAsync(page, "/app/keys/019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", "key-missing");
    }

    [Fact]
    public async Task An_overview_with_everything_used_and_the_pages_of_emails_can_be_read_by_everybody()
    {
        var account = await TestAccount.SignUpAsync(_server.Http, Email);
        for (var i = 0; i < 4; i++)
            (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await account.Key.PostAsync("/quota/reservations", new { tier = "tier1" })).Status.ShouldBe(201);
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-in"));
        await SignInAsync(page, TestAccount.Password);
        await HeadingAsync(page, "Overview");
        await PageAppearance.CheckAsync(page, "overview-full");
        await VisitAsync(page, "/reset-password?token=x", "reset");
        await VisitAsync(page, "/verify-email?token=x", "verify");
        await page.GetByRole(AriaRole.Button, new() { Name = "Confirm" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "verify-wrong");
        await VisitAsync(page, "/app/plan?from=checkout", "plan-awaited");
    }

    [Fact]
    public async Task A_secret_is_copied_with_its_button_and_leaving_without_copying_it_asks_first()
    {
        var page = await SignedUpAsync();
        var asked = new List<string>();
        page.Dialog += async (_, dialog) =>
        {
            asked.Add(dialog.Type);
            await dialog.DismissAsync();
        };

        await page.GetByRole(AriaRole.Link, new() { Name = "Go to your overview" }).ClickAsync();
        await Eventually.IsTrueAsync(() => asked is ["beforeunload"], cancellationToken: Cancellation);
        await HeadingAsync(page, "Your account is ready");
        await page.GetByRole(AriaRole.Button, new() { Name = "Copy the API key" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status).First).ToHaveTextAsync(CopiedOrSelected);
        await page.Keyboard.PressAsync("Control+C");
        await page.GetByRole(AriaRole.Link, new() { Name = "Go to your overview" }).ClickAsync();

        await HeadingAsync(page, "Overview");
        asked.Count.ShouldBe(1);
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task With_the_keyboard_alone_a_person_skips_to_the_content_and_creates_a_key()
    {
        var page = await SignedUpAsync();
        await page.GotoAsync(Address("/app/keys"));

        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByLabel("Name")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("Laptop");
        await page.Keyboard.PressAsync("Enter");

        await HeadingAsync(page, "Your new API key");
        _consoleErrors.ShouldBeEmpty();
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private async Task<IPage> SignedUpAsync()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-up"));
        await FillSignUpAsync(page);
        await HeadingAsync(page, "Your account is ready");
        return page;
    }

    private async Task VisitAsync(IPage page, string path, string name)
    {
        await page.GotoAsync(Address(path));
        await PageAppearance.CheckAsync(page, name);
    }

    private static async Task FillSignUpAsync(IPage page, string password = TestAccount.Password)
    {
        await page.GetByLabel("Email").FillAsync(Email);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Create the account" }).ClickAsync();
    }

    private static async Task SignInAsync(IPage page, string password)
    {
        await page.GetByLabel("Email").FillAsync(Email);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    private static Task HeadingAsync(IPage page, string heading) =>
        Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);

    private static async Task<string> SecretAsync(IPage page) => (await page.Locator(".secret").TextContentAsync())!.Trim();

    private async Task StatusOfKeyAsync(IPage page, int expected) => (await StatusOfAsync(await SecretAsync(page))).ShouldBe(expected);

    private async Task<int> StatusOfAsync(string key) => (await new Caller(_server.Http, "X-API-Key", key).GetAsync("/quota")).Status;
}
