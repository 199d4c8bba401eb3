using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A person who has only a browser, from the start page to a paid plan and a key, into the limit, to a bigger plan, and out again: a server
/// process in Development with its simulated Stripe. A tool uses the key, as it would on the person's machine.
/// </summary>
public sealed class PurchaseTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private readonly string _mail = Directory.CreateTempSubdirectory("pyresolve-mail-").FullName;
    private ServerProcess _server = null!;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
    {
        ["ASPNETCORE_ENVIRONMENT"] = "Development",
        ["PyResolve__PasswordIterations"] = "1000",
        ["PyResolve__EmailFolder"] = _mail,
        ["PyResolve__Plans__pro__MigrationsLimit"] = "10",
    });

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_mail, recursive: true);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_with_only_a_browser_buys_a_plan_runs_into_its_limit_upgrades_and_cancels(bool runsScripts)
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/"), new() { JavaScriptEnabled = runsScripts });
        await FollowAsync(page, "Compare the plans");
        await FollowAsync(page, "Choose Pro");
        var tool = await SignUpAsync(page);
        await HeadingAsync(page, "Plan");
        await PressAsync(page, "Choose Pro");
        await PayAsync(page, runsScripts);
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Thank you. You are on the Pro plan now.");
        await TakeAsync(page, "bought", runsScripts);

        await UseAsync(tool, 10);
        var refused = await tool.PostAsync("/quota/reservations", new { tier = "tier2" });
        refused.Code.ShouldBe("quota_exceeded");
        await page.GotoAsync(refused["upgrade_url"].GetString()!);
        await FollowAsync(page, "Choose Unlimited");
        await Expect(page.GetByText("10 of 10")).ToBeVisibleAsync();
        await PressAsync(page, "Change to Unlimited");
        await InPortalAsync(page, runsScripts, "Switch plan", "PyResolve Unlimited", "Switch plan");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Unlimited Your plan" }).First).ToBeVisibleAsync();
        (await tool.PostAsync("/quota/reservations", new { tier = "tier2" })).Status.ShouldBe(201);

        await PressAsync(page, "Cancel the subscription");
        await InPortalAsync(page, runsScripts, "Cancel plan", option: null, "Cancel plan");
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("From then on: the Free plan. Nothing more is charged.");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Keep the plan" })).ToBeVisibleAsync();
        await TakeAsync(page, "cancelled", runsScripts);
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_of_the_plan_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/pricing"));
        await PageAppearance.CheckAsync(page, "pricing-buy");
        await FollowAsync(page, "Choose Pro");
        await PageAppearance.CheckAsync(page, "sign-up-to-buy");
        var tool = await SignUpAsync(page);
        await PageAppearance.CheckAsync(page, "plan-free");
        await VisitAsync(page, "/app/alerts", "alerts");
        await page.GetByLabel("Per cent of the quota").FillAsync("500");
        await PressAsync(page, "Add the alert");
        await PageAppearance.CheckAsync(page, "alerts-wrong");
        await UseAsync(tool, 5);
        await VisitAsync(page, "/app/alerts", "alerts-reached");
        await PressAsync(page, "Remove the alert at 80 %");
        await PressAsync(page, "Remove the alert at 100 %");
        await PageAppearance.CheckAsync(page, "alerts-empty");

        await VisitAsync(page, "/app/invoices", "invoices-empty");
        await VisitAsync(page, "/app/plan?from=checkoutleft", "plan-left");
        await PressAsync(page, "Choose Pro");
        await page.GetByLabel("Fails on renewal").CheckAsync();
        var checkout = page.Url;
        await PressAsync(page, "Pay $19.00");
        await PageAppearance.CheckAsync(page, "plan-bought");
        await VisitAsync(page, "/app/invoices", "invoices");
        await page.GotoAsync(new Uri(new Uri(checkout), "/").ToString());
        await PressAsync(page, "A month passes");
        await Eventually.HoldsAsync(
            async () =>
            {
                await page.GotoAsync(Address("/app/plan"));
                await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Update the payment method" })).ToBeVisibleAsync();
            },
            cancellationToken: TestContext.Current.CancellationToken);
        await PageAppearance.CheckAsync(page, "plan-past-due");
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private async Task<Caller> SignUpAsync(IPage page)
    {
        await page.GetByLabel("Email").FillAsync("ada@example.com");
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await PressAsync(page, "Create the account");
        await HeadingAsync(page, "Your account is ready");
        var key = (await page.Locator(".secret").TextContentAsync())!.Trim();
        if (await page.GetByRole(AriaRole.Button, new() { Name = "Copy the API key" }).IsVisibleAsync())
            await PressAsync(page, "Copy the API key");
        page.Dialog += static async (_, dialog) => await dialog.AcceptAsync();
        await FollowAsync(page, "Go on to the plans");
        return new Caller(_server.Http, "X-API-Key", key);
    }

    private async Task VisitAsync(IPage page, string path, string name)
    {
        await page.GotoAsync(Address(path));
        await PageAppearance.CheckAsync(page, name);
    }

    private static async Task UseAsync(Caller tool, int migrations)
    {
        for (var i = 0; i < migrations; i++)
            (await tool.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
    }

    private static async Task PayAsync(IPage page, bool runsScripts)
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Subscribe to PyResolve Pro" })).ToBeVisibleAsync();
        await TakeAsync(page, "checkout", runsScripts);
        await page.GetByLabel("Card works").CheckAsync();
        await PressAsync(page, "Pay $19.00");
    }

    private static async Task InPortalAsync(IPage page, bool runsScripts, string link, string? option, string button)
    {
        await FollowAsync(page, link);
        if (option is not null)
            await page.GetByLabel(option).CheckAsync();
        await TakeAsync(page, $"portal-{link}", runsScripts);
        await PressAsync(page, button);
        await FollowAsync(page, "Return");
        await HeadingAsync(page, "Plan");
    }

    private static async Task TakeAsync(IPage page, string name, bool runsScripts)
    {
        if (!runsScripts)
            return;
        foreach (var look in Look.All.Where(static look => look is { AreForced: false, Width: 1280 }))
        {
            await look.ShowAsync(page);
            await Screenshots.TakeAsync(page, $"story-{name.Replace(' ', '-').ToLowerInvariant()}-{look}");
        }
    }

    private static Task FollowAsync(IPage page, string link) => page.GetByRole(AriaRole.Link, new() { Name = link }).First.ClickAsync();

    private static Task PressAsync(IPage page, string button) => page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();

    private static Task HeadingAsync(IPage page, string heading) =>
        Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(heading);
}
