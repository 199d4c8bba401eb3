using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>What an account has used, as a person sees it: empty, full, without JavaScript, and when a filter is wrong.</summary>
public sealed class UsagePageTests(Browser browser) : IAsyncLifetime
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_person_goes_from_the_overview_to_the_receipt_of_an_event_with_and_without_JavaScript(bool runsScripts)
    {
        await UseAsync();
        var page = await SignedInAsync(runsScripts);
        await page.GetByRole(AriaRole.Link, new() { Name = "Usage by day, library, key and tier" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Library", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "pydantic" }).ClickAsync();
        await page.GetByLabel("Tier").SelectOptionAsync("tier1");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show" }).ClickAsync();
        await Expect(page.GetByLabel("Library")).ToHaveValueAsync("pydantic");
        await page.Locator("tbody a").First.ClickAsync();

        await Expect(page.GetByRole(AriaRole.Main)).ToContainTextAsync("Granted: ");
        _consoleErrors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Every_usage_page_fits_its_screen_and_can_be_read_by_everybody()
    {
        var page = await SignedInAsync();
        await VisitAsync(page, "/app/usage", "usage-empty");
        await VisitAsync(page, "/app/usage/events", "events-empty");
        var committed = await UseAsync();
        await VisitAsync(page, "/app", "overview-used");
        await VisitAsync(page, "/app/usage", "usage-day");
        await VisitAsync(page, "/app/usage?by=key", "usage-key");
        await VisitAsync(page, "/app/usage/events", "events");
        await VisitAsync(page, $"/app/usage/events/{committed}", "event");
        await VisitAsync(page, "/app/keys", "keys-used");
        _consoleErrors.ShouldBeEmpty();
        await VisitAsync(page, "/app/usage/events?from=tomorrow&tier=tier9", "events-wrong");
    }

    /// <summary>Migrations of some days and libraries, one with a reservation.</summary>
    /// <returns>The event of the reservation.</returns>
    private async Task<Guid> UseAsync()
    {
        var reserved = await _account.Key.PostAsync("/quota/reservations", new { tier = "tier1", library = "pydantic" });
        var committed = await _account.Key.PostAsync(
            $"/quota/reservations/{reserved["id"].GetGuid()}/commit", new { metadata = new { target = "2.0" } });
        var now = TimeProvider.System.GetUtcNow();
        var events = Enumerable.Range(0, 20).Select(day => new
        {
            event_type = "migration",
            library = day % 3 == 0 ? new string('x', 100) : "django",
            tier = day % 2 == 0 ? "tier2" : null,
            tokens_used = day * 100,
            occurred_at = now.AddDays(-day),
        });
        (await _account.Key.PostAsync("/usage/batch", new { events })).Status.ShouldBe(200);
        return committed["usage_event_id"].GetGuid();
    }

    private async Task<IPage> SignedInAsync(bool runsScripts = true)
    {
        var page = await browser.OpenAsync(_consoleErrors, Address("/sign-in"), new() { JavaScriptEnabled = runsScripts });
        await page.GetByLabel("Email").FillAsync(_account.Email);
        await page.GetByLabel("Password").FillAsync(TestAccount.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync("Overview");
        return page;
    }

    private async Task VisitAsync(IPage page, string path, string name)
    {
        await page.GotoAsync(Address(path));
        await PageAppearance.CheckAsync(page, name);
    }

    private string Address(string path) => new Uri(_server.Address, path).ToString();
}
