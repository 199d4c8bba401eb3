using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A subscription's whole life: a server process in Development with its simulated Stripe, and a person at Chromium on the pages of both.
/// After each step the server's own routes say what follows from it.
/// </summary>
public sealed class SubscriptionTests(Browser browser) : IAsyncLifetime
{
    private readonly List<string> _complaints = [];
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
        await IsAsync(Standing.Free);
        var checkout = await LinkAsync(HttpMethod.Post, "/billing/checkout", "checkout_url", new { plan = "pro" });
        var page = await browser.OpenAsync(_complaints, checkout);
        await ChooseAsync(page, "Fails on renewal", "Pay $19.00");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Thank you" })).ToBeVisibleAsync();
        await IsAsync(Standing.Pro);

        await LetAMonthPassAsync(page, checkout);
        await IsAsync(Standing.Pro with { Status = "past_due", IsInGrace = true });
        await GoAsync(page, "Update payment method");
        await ChooseAsync(page, "Card works", "Save card");
        await IsAsync(Standing.Pro);

        await GoAsync(page, "Switch plan");
        await ChooseAsync(page, "PyResolve Unlimited", "Switch plan");
        await IsAsync(Standing.Unlimited);

        await GoAsync(page, "Switch plan");
        await ChooseAsync(page, "PyResolve Pro", "Switch plan");
        await IsAsync(Standing.Pro);

        await GoAsync(page, "Cancel plan");
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel plan" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Return" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Billing" })).ToBeVisibleAsync();
        await IsAsync(Standing.Pro with { IsCancelling = true });
        await LetAMonthPassAsync(page, checkout);
        await IsAsync(Standing.Free with { Status = "canceled" });
        _complaints.ShouldBeEmpty();
    }

    /// <summary>Opens the portal, and follows one of its links.</summary>
    private async Task GoAsync(IPage page, string link)
    {
        await page.GotoAsync(await LinkAsync(HttpMethod.Get, "/billing/portal", "portal_url"));
        await page.GetByRole(AriaRole.Link, new() { Name = link }).ClickAsync();
    }

    private static async Task ChooseAsync(IPage page, string option, string button)
    {
        await page.GetByLabel(option).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
    }

    private static async Task LetAMonthPassAsync(IPage page, string anyPageOfStripe)
    {
        await page.GotoAsync(new Uri(new Uri(anyPageOfStripe), "/").ToString());
        await page.GetByRole(AriaRole.Button, new() { Name = "A month passes" }).ClickAsync();
    }

    private async Task<string> LinkAsync(HttpMethod method, string path, string member, object? body = null)
    {
        var answer = await _account.Key.SendAsync(method, path, body);
        answer.Status.ShouldBe(200, answer.Text);
        return answer[member].GetString()!;
    }

    /// <summary>Within seconds, by a webhook or by the person's way back.</summary>
    private Task<TimeSpan> IsAsync(Standing expected) => Eventually.HoldsAsync(
        async () => (await ReadAsync()).ShouldBe(expected), cancellationToken: TestContext.Current.CancellationToken);

    private async Task<Standing> ReadAsync()
    {
        var quota = await _account.Key.GetAsync("/quota");
        var subscription = await _account.Key.GetAsync("/billing/subscription");
        subscription["plan"].GetString().ShouldBe(quota["plan"].GetString());
        return new Standing(
            quota["plan"].GetString(),
            quota["migrations_limit"].ToString(),
            quota["llm_allowed"].GetBoolean(),
            subscription["status"].GetString(),
            subscription["cancelling"].GetBoolean(),
            subscription["grace_ends_at"].ValueKind is not JsonValueKind.Null);
    }

    private sealed record Standing(string? Plan, string Limit, bool LlmAllowed, string? Status, bool IsCancelling, bool IsInGrace)
    {
        public static Standing Free { get; } = new("free", "5", LlmAllowed: false, Status: null, IsCancelling: false, IsInGrace: false);

        public static Standing Pro { get; } = new("pro", "50", LlmAllowed: true, "active", IsCancelling: false, IsInGrace: false);

        public static Standing Unlimited { get; } = Pro with { Plan = "unlimited", Limit = "unlimited" };
    }
}
