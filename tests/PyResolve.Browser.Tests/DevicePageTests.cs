using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// Device login with a server process, a device that polls it, and a person who uses the pages in Chromium. No page may log an error on the
/// browser's console, such as a refused style or script.
/// </summary>
public sealed class DevicePageTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(new Dictionary<string, string?> { ["PyResolve__PasswordIterations"] = "1000" });
        _account = await TestAccount.SignUpAsync(_server.Http, "ada@example.com");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_person_signs_in_compares_the_code_and_approves()
    {
        var started = await StartLoginAsync();
        var page = await browser.OpenAsync(
            _consoleErrors,
            started["verification_uri_complete"].GetString()!,
            new() { ViewportSize = new() { Width = 640, Height = 820 } });
        await SignInAsync(page);
        await Screenshots.TakeAsync(page, "device");

        await Expect(page.Locator("p.code")).ToHaveTextAsync(started["user_code"].GetString()!);
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("pyresolve-cli");
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Device connected" })).ToBeVisibleAsync();
        var answer = await PollAsync(started);
        answer.Status.ShouldBe(200, answer.Text);
        answer["user"].GetProperty("id").GetGuid().ShouldBe(_account.UserId);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Device connected" })).ToBeVisibleAsync();
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_person_types_the_code_with_the_keyboard_only_and_denies()
    {
        var started = await StartLoginAsync();
        var page = await browser.OpenAsync(_consoleErrors, started["verification_uri"].GetString()!);
        await Expect(page.GetByLabel("Email")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(_account.Email);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByLabel("Password")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(TestAccount.Password);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Code")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(started["user_code"].GetString()!.Replace("-", "").ToLowerInvariant());
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("p.code")).ToHaveTextAsync(started["user_code"].GetString()!);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "PyResolve" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Deny" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Login denied" })).ToBeVisibleAsync();
        (await PollAsync(started)).Code.ShouldBe("access_denied");
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Wrong_passwords_and_wrong_codes_show_an_alert()
    {
        var page = await browser.OpenAsync(_consoleErrors, new Uri(_server.Address, "/device").ToString());

        await SignInAsync(page, "not the password");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Wrong email or password.");
        await Expect(page.GetByLabel("Password")).ToBeFocusedAsync();
        await Expect(page.GetByLabel("Email")).ToHaveValueAsync(_account.Email);
        await SignInAsync(page);
        await page.GetByLabel("Code").FillAsync("BBBB-BBBB");
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("No device is waiting with this code.");
        await Expect(page.GetByLabel("Code")).ToHaveValueAsync("BBBB-BBBB");
        _consoleErrors.ShouldAllBe(error => error.Contains("Failed to load resource: the server responded with a status of 40"));
    }

    [Fact]
    public async Task Signing_out_removes_the_cookie()
    {
        var page = await browser.OpenAsync(_consoleErrors, new Uri(_server.Address, "/device").ToString());
        await SignInAsync(page);
        (await page.Context.CookiesAsync()).Single().HttpOnly.ShouldBeTrue();

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        await Expect(page.GetByLabel("Password")).ToBeVisibleAsync();
        (await page.Context.CookiesAsync()).ShouldBeEmpty();
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_fits_its_screen_and_can_be_read_by_everybody()
    {
        var started = await StartLoginAsync();
        var page = await browser.OpenAsync(_consoleErrors, started["verification_uri_complete"].GetString()!);

        await PageAppearance.CheckAsync(page, "sign-in");
        await SignInAsync(page, "wrong");
        await PageAppearance.CheckAsync(page, "wrong-password");
        await SignInAsync(page);
        await PageAppearance.CheckAsync(page, "compare");
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "approved");
        await page.GotoAsync(started["verification_uri"].GetString()!);
        await PageAppearance.CheckAsync(page, "enter");
    }

    private async Task<Answer> StartLoginAsync()
    {
        var started = await new Caller(_server.Http).PostAsync("/auth/device/code", new { client_id = "pyresolve-cli" });
        started.Status.ShouldBe(200, started.Text);
        return started;
    }

    private Task<Answer> PollAsync(Answer started) =>
        new Caller(_server.Http).PostAsync("/auth/device/token", new { device_code = started["device_code"].GetString() });

    private async Task SignInAsync(IPage page, string password = TestAccount.Password)
    {
        await page.GetByLabel("Email").FillAsync(_account.Email);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
