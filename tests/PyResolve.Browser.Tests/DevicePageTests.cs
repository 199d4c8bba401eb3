using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// The device login as it happens: a server process, a device that polls it, and a person at Chromium. The person's every page must be
/// free of errors on the browser's console, which is where a refused style or script would show.
/// </summary>
public sealed class DevicePageTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _complaints = [];
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
        var begun = await BeginAsync();
        var page = await browser.OpenAsync(
            _complaints, begun["verification_uri_complete"].GetString()!, new() { ViewportSize = new() { Width = 640, Height = 820 } });
        await SignInAsync(page);
        await Screenshots.TakeAsync(page, "device");

        await Expect(page.Locator("p.code")).ToHaveTextAsync(begun["user_code"].GetString()!);
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("pyresolve-cli");
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Device connected" })).ToBeVisibleAsync();
        var redeemed = await PollAsync(begun);
        redeemed.Status.ShouldBe(200, redeemed.Text);
        redeemed["user"].GetProperty("id").GetGuid().ShouldBe(_account.UserId);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Device connected" })).ToBeVisibleAsync();
        _complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_person_types_the_code_by_keyboard_alone_and_denies()
    {
        var begun = await BeginAsync();
        var page = await browser.OpenAsync(_complaints, begun["verification_uri"].GetString()!);
        await Expect(page.GetByLabel("E-mail")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(_account.Email);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByLabel("Password")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(TestAccount.Password);
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.GetByLabel("Code")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(begun["user_code"].GetString()!.Replace("-", "").ToLowerInvariant());
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.Locator("p.code")).ToHaveTextAsync(begun["user_code"].GetString()!);
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Deny" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Login denied" })).ToBeVisibleAsync();
        (await PollAsync(begun)).Code.ShouldBe("access_denied");
        _complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task Wrong_passwords_and_wrong_codes_are_told_in_an_alert()
    {
        var page = await browser.OpenAsync(_complaints, new Uri(_server.Address, "/device").ToString());

        await SignInAsync(page, "not the password");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Wrong e-mail or password.");
        await Expect(page.GetByLabel("Password")).ToBeFocusedAsync();
        await Expect(page.GetByLabel("E-mail")).ToHaveValueAsync(_account.Email);
        await SignInAsync(page);
        await page.GetByLabel("Code").FillAsync("BBBB-BBBB");
        await page.GetByRole(AriaRole.Button, new() { Name = "Continue" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("No device is waiting with this code.");
        await Expect(page.GetByLabel("Code")).ToHaveValueAsync("BBBB-BBBB");
        _complaints.ShouldAllBe(complaint => complaint.Contains("Failed to load resource: the server responded with a status of 40"));
    }

    [Fact]
    public async Task Signing_out_leaves_nothing_behind()
    {
        var page = await browser.OpenAsync(_complaints, new Uri(_server.Address, "/device").ToString());
        await SignInAsync(page);
        (await page.Context.CookiesAsync()).Single().HttpOnly.ShouldBeTrue();

        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();

        await Expect(page.GetByLabel("Password")).ToBeVisibleAsync();
        (await page.Context.CookiesAsync()).ShouldBeEmpty();
        _complaints.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1280)]
    [InlineData(ColorScheme.Dark, 1280)]
    [InlineData(ColorScheme.Light, 320)]
    [InlineData(ColorScheme.Dark, 390)]
    public async Task Every_state_fits_its_screen_and_has_enough_contrast(ColorScheme colors, int width)
    {
        var begun = await BeginAsync();
        var page = await browser.OpenAsync(
            _complaints, begun["verification_uri_complete"].GetString()!,
            new() { ColorScheme = colors, ViewportSize = new() { Width = width, Height = 800 } });
        var look = $"{colors}-{width}".ToLowerInvariant();

        await Looks.CheckAsync(page, $"sign-in-{look}");
        await SignInAsync(page, "wrong");
        await Looks.CheckAsync(page, $"wrong-password-{look}");
        await SignInAsync(page);
        await Looks.CheckAsync(page, $"compare-{look}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Approve" }).ClickAsync();
        await Looks.CheckAsync(page, $"approved-{look}");
        await page.GotoAsync(begun["verification_uri"].GetString()!);
        await Looks.CheckAsync(page, $"enter-{look}");
    }

    private async Task<Answer> BeginAsync()
    {
        var begun = await new Caller(_server.Http).PostAsync("/auth/device/code", new { client_id = "pyresolve-cli" });
        begun.Status.ShouldBe(200, begun.Text);
        return begun;
    }

    private Task<Answer> PollAsync(Answer begun) =>
        new Caller(_server.Http).PostAsync("/auth/device/token", new { device_code = begun["device_code"].GetString() });

    private async Task SignInAsync(IPage page, string password = TestAccount.Password)
    {
        await page.GetByLabel("E-mail").FillAsync(_account.Email);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
