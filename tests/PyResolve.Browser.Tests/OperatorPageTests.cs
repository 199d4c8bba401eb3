using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>The operator's pages, as an operator uses them in Chromium.</summary>
public sealed class OperatorPageTests(Browser browser) : IAsyncLifetime
{
    private const string Operator = "grace@example.com";
    private const string Customer = "ada@example.com";

    private readonly List<string> _consoleErrors = [];
    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
    {
        ["PyResolve__PasswordIterations"] = "1000",
    });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_operator_finds_an_account_by_its_keys_prefix_sees_why_it_is_on_its_plan_and_mends_it(bool runsScripts)
    {
        var customer = await TestAccount.SignUpAsync(_server.Http, Customer);
        (await customer.Key.PostAsync("/quota/reservations", new { tier = "tier2" })).Status.ShouldBe(403);
        var page = await SignedInAsync(runsScripts);

        await page.GetByLabel("Find").FillAsync(customer.ApiKey[..18]);
        await page.GetByRole(AriaRole.Button, new() { Name = "Find" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = Customer }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("It never subscribed, and no operator set a plan.");
        await page.GetByLabel("Plan", new() { Exact = true }).SelectOptionAsync("Pro");
        await page.GetByLabel("Until").FillAsync("2099-12-31");
        await page.Locator("#plan-reason").FillAsync("She pays by invoice");
        await page.GetByRole(AriaRole.Button, new() { Name = "Set the plan" }).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Status).First).ToHaveTextAsync("The plan was set.");
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("An operator set pro until 1 January 2100");
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("She pays by invoice");
        (await customer.Key.PostAsync("/quota/reservations", new { tier = "tier2" })).Status.ShouldBe(201);

        await page.Locator("#view-reason").FillAsync("To see what she sees");
        await page.GetByRole(AriaRole.Button, new() { Name = "See its pages for an hour" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("of 50 migrations used");
        await page.GetByRole(AriaRole.Button, new() { Name = "End the view" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync(Customer);
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_page_of_the_operator_fits_its_screen_and_can_be_read_by_everybody()
    {
        var customer = await TestAccount.SignUpAsync(_server.Http, Customer);
        await customer.Key.PostAsync("/quota/reservations", new { tier = "tier1", library = "pydantic" });
        await customer.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" });
        var account = $"/operator/accounts/{customer.UserId}";
        var page = await SignedInAsync(runsScripts: true);
        await VisitAsync(page, "/operator/accounts", "operator-accounts");
        await VisitAsync(page, "/operator/accounts?q=nobody", "operator-accounts-none");
        await VisitAsync(page, account, "operator-account");
        await page.Locator("#units").FillAsync("-1");
        await page.Locator("#units-reason").FillAsync("x");
        await page.GetByRole(AriaRole.Button, new() { Name = "Grant extra units" }).ClickAsync();
        await PageAppearance.CheckAsync(page, "operator-account-wrong");
        await VisitAsync(page, $"{account}/usage", "operator-usage");
        await VisitAsync(page, $"{account}/stripe", "operator-stripe-off");
        await VisitAsync(page, "/operator/confirm", "operator-confirm");
    }

    [Fact]
    public async Task Every_page_about_the_server_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await SignedInAsync(runsScripts: true);
        await VisitAsync(page, "/operator", "operator-health");
        await VisitAsync(page, "/operator/events", "operator-events-off");
        await VisitAsync(page, "/operator/audit", "operator-audit");
        await VisitAsync(page, "/operator/audit?action=key.leak_reported", "operator-audit-none");
        await VisitAsync(page, "/operator/jobs", "operator-jobs");
        await VisitAsync(page, "/operator/settings", "operator-settings");
        await VisitAsync(page, "/operator/diagnostics", "operator-diagnostics");
        await VisitAsync(page, "/operator/costs?events=100000000&requests=100000000&accounts=100000", "operator-costs");
        await VisitAsync(page, "/operator/costs?events=many", "operator-costs-wrong");
    }

    [Fact]
    public async Task The_figures_are_read_again_without_a_reload()
    {
        var page = await SignedInAsync(runsScripts: true);
        await page.GotoAsync(Address("/operator"));
        var signUps = page.Locator(".tile", new() { HasText = "Sign-ups today" }).Locator(".price");
        await Expect(signUps).ToHaveTextAsync("1");
        await page.EvaluateAsync("window.stays = true");

        await TestAccount.SignUpAsync(_server.Http, Customer);

        await Expect(signUps).ToHaveTextAsync("2", new() { Timeout = 30_000 });
        (await page.EvaluateAsync<bool>("window.stays")).ShouldBeTrue();
        _consoleErrors.ShouldBeEmpty();
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();

    private async Task<IPage> SignedInAsync(bool runsScripts)
    {
        await TestAccount.SignUpAsync(_server.Http, Operator);
        (await ServerProcess.RunAsync(
            ["operator", "add", Operator, "--role", "admin"],
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = _server.DataFolder },
            Cancellation)).OrThrow("operator add");
        var page = await browser.OpenAsync(
            _consoleErrors, Address("/sign-in?next=operator/accounts"), new() { JavaScriptEnabled = runsScripts });
        await page.GetByLabel("Email").FillAsync(Operator);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Accounts");
        return page;
    }

    private async Task VisitAsync(IPage page, string path, string name)
    {
        await page.GotoAsync(Address(path));
        await PageAppearance.CheckAsync(page, name);
    }
}
