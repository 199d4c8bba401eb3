using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A subscription from checkout to cancellation: a server process in Development with its simulated Stripe, and a person who uses the pages
/// of both in Chromium. After each step the test checks the server's own routes.
/// </summary>
public sealed class SubscriptionTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _consoleErrors = [];
    private ServerProcess _server = null!;
    private TestAccount _account = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await ServerProcess.StartAsync(new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["PyResolve__PasswordIterations"] = "1000",
        });
        _account = await TestAccount.SignUpAsync(_server.Http, "ada@example.com");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_person_subscribes_fails_to_pay_recovers_upgrades_downgrades_and_cancels()
    {
        await StateBecomesAsync(BillingState.Free);
        var checkout = await ReadLinkAsync(HttpMethod.Post, "/billing/checkout", "checkout_url", new { plan = "pro" });
        var page = await browser.OpenAsync(_consoleErrors, checkout);
        await ChooseAsync(page, "Fails on renewal", "Pay $19.00");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Thank you" })).ToBeVisibleAsync();
        await StateBecomesAsync(BillingState.Pro);

        await AdvanceOneMonthAsync(page, checkout);
        await StateBecomesAsync(BillingState.Pro with { Status = "past_due", IsInGrace = true });
        await FollowPortalLinkAsync(page, "Update payment method");
        await ChooseAsync(page, "Card works", "Save card");
        await StateBecomesAsync(BillingState.Pro);

        await FollowPortalLinkAsync(page, "Switch plan");
        await ChooseAsync(page, "PyResolve Unlimited", "Switch plan");
        await StateBecomesAsync(BillingState.Unlimited);

        await FollowPortalLinkAsync(page, "Switch plan");
        await ChooseAsync(page, "PyResolve Pro", "Switch plan");
        await Expect(page.GetByText("Changes to PyResolve Pro")).ToBeVisibleAsync();
        await StateBecomesAsync(BillingState.Unlimited);
        await AdvanceOneMonthAsync(page, checkout);
        await StateBecomesAsync(BillingState.Pro);

        await FollowPortalLinkAsync(page, "Cancel plan");
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Return" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Billing" })).ToBeVisibleAsync();
        await StateBecomesAsync(BillingState.Pro with { IsCancelling = true });
        await AdvanceOneMonthAsync(page, checkout);
        await StateBecomesAsync(BillingState.Free with { Status = "canceled" });
        _consoleErrors.ShouldBeEmpty();
    }

    private async Task FollowPortalLinkAsync(IPage page, string link)
    {
        await page.GotoAsync(await ReadLinkAsync(HttpMethod.Get, "/billing/portal", "portal_url"));
        await page.GetByRole(AriaRole.Link, new() { Name = link }).ClickAsync();
    }

    private static async Task ChooseAsync(IPage page, string option, string button)
    {
        await page.GetByLabel(option).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
    }

    private static async Task AdvanceOneMonthAsync(IPage page, string anySimulatorPage)
    {
        await page.GotoAsync(new Uri(new Uri(anySimulatorPage), "/").ToString());
        await page.GetByRole(AriaRole.Button, new() { Name = "A month passes" }).ClickAsync();
    }

    private async Task<string> ReadLinkAsync(HttpMethod method, string path, string member, object? body = null)
    {
        var answer = await _account.Key.SendAsync(method, path, body);
        answer.Status.ShouldBe(200, answer.Text);
        return answer[member].GetString()!;
    }

    /// <summary>Waits for a webhook, or for the fetch when the person returns.</summary>
    private Task<TimeSpan> StateBecomesAsync(BillingState expected) => Eventually.HoldsAsync(
        async () => (await ReadAsync()).ShouldBe(expected), cancellationToken: TestContext.Current.CancellationToken);

    private async Task<BillingState> ReadAsync()
    {
        var quota = await _account.Key.GetAsync("/quota");
        var subscription = await _account.Key.GetAsync("/billing/subscription");
        subscription["plan"].GetString().ShouldBe(quota["plan"].GetString());
        return new BillingState(
            quota["plan"].GetString(),
            quota["migrations_limit"].ToString(),
            quota["llm_allowed"].GetBoolean(),
            subscription["status"].GetString(),
            subscription["cancelling"].GetBoolean(),
            subscription["grace_ends_at"].ValueKind is not JsonValueKind.Null);
    }

    private sealed record BillingState(string? Plan, string Limit, bool LlmAllowed, string? Status, bool IsCancelling, bool IsInGrace)
    {
        public static BillingState Free { get; } = new("free", "5", LlmAllowed: false, Status: null, IsCancelling: false, IsInGrace: false);

        public static BillingState Pro { get; } = new("pro", "50", LlmAllowed: true, "active", IsCancelling: false, IsInGrace: false);

        public static BillingState Unlimited { get; } = Pro with { Plan = "unlimited", Limit = "unlimited" };
    }
}
