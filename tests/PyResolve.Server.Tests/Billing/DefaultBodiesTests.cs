using System.Text.RegularExpressions;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// With the default catalogue, the bodies of plans and billing are these, byte for byte. What came later stands after what was there
/// before.
/// </summary>
public sealed partial class DefaultBodiesTests(SharedServers servers)
{
    private const string Later = ",\"trial_days\":null,\"per_seat\":false}";

    private const string NoLater =
        ",\"interval\":null,\"quantity\":null,\"trial_ends_at\":null,\"scheduled_plan\":null,\"scheduled_at\":null}";

    [Fact]
    public async Task Plans()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.Anonymous.GetAsync("/plans")).Text.ShouldBe("{\"data\":[" + string.Join(
            ',',
            """{"name":"free","migrations_limit":5,"llm_allowed":false,"price":null"""
                + ""","title":"Free","description":null,"features":[],"prices":[],"trial_days":null,"per_seat":false}""",
            """{"name":"pro","migrations_limit":50,"llm_allowed":true,"price":{"amount":1900,"currency":"usd","interval":"month"}"""
                + ""","title":"Pro","description":null,"features":[],"prices":[{"amount":1900,"currency":"usd","interval":"month"}]"""
                + Later,
            """{"name":"unlimited","migrations_limit":"unlimited","llm_allowed":true"""
                + ""","price":{"amount":4900,"currency":"usd","interval":"month"},"title":"Unlimited","description":null,"features":[]"""
                + ""","prices":[{"amount":4900,"currency":"usd","interval":"month"}]""" + Later,
            """{"name":"enterprise","migrations_limit":"unlimited","llm_allowed":true,"price":null,"title":"Enterprise"}"""[..^1]
                + ""","description":null,"features":[],"prices":[]""" + Later) + "]}");
    }

    [Theory, OnBothEngines]
    public async Task Before_the_first_subscription(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var key = (await billing.Own.SignUpAsync()).Key;

        (await key.GetAsync("/billing/subscription")).Text.ShouldBe(
            """{"plan":"free","status":null,"cancelling":false,"current_period_end":null,"grace_ends_at":null"""
            + ",\"stripe_subscription_id\":null" + NoLater);
        (await key.GetAsync("/billing/invoices")).Text.ShouldBe("""{"data":[],"next_cursor":null}""");
        Plain(await key.GetAsync("/billing/portal")).ShouldBe(Problem(
            400, "Bad Request", "no_billing_account", "No billing account. Subscribe first at <server>/pricing"));
        Plain(await key.PostAsync("/billing/checkout", new { plan = "gold" })).ShouldBe(Problem(
            400, "Bad Request", "malformed", "Invalid plan. Use 'pro' or 'unlimited'"));
        Plain(await key.PostAsync("/billing/checkout", new { plan = "pro" })).ShouldBe(
            """{"checkout_url":"https://checkout.example/cs_test_2?price=price_pro"}""");
    }

    [Theory, OnBothEngines]
    public async Task With_a_subscription(StorageEngine engine)
    {
        await using var billing = await BillingServer.StartAsync(engine, servers.Postgres);
        var subscriber = await billing.SignUpAsync();
        await subscriber.SetSubscriptionsAsync(Subscriptions.Pro());
        await subscriber.WaitForPlanAsync("pro");
        var key = subscriber.Account.Key;

        (await key.GetAsync("/billing/subscription")).Text.ShouldBe(
            """{"plan":"pro","status":"active","cancelling":false,"current_period_end":"2026-11-15T13:00:00Z","grace_ends_at":null"""
            + ""","stripe_subscription_id":"sub_1","interval":"month","quantity":1,"trial_ends_at":null,"scheduled_plan":null"""
            + ",\"scheduled_at\":null}");
        Plain(await key.GetAsync("/billing/portal")).ShouldBe(
            """{"portal_url":"https://portal.example/cus_1?return=<return>"}""");
        Plain(await key.PostAsync("/billing/checkout", new { plan = "unlimited" })).ShouldBe(Problem(
            409, "Conflict", "already_subscribed", "This account has a subscription already. Change it in the portal.",
            ",\"portal_url\":\"https://portal.example/cus_1?return=<return>\""));
        (await key.GetAsync("/quota")).Text.ShouldStartWith(
            """{"plan":"pro","migrations_used":0,"migrations_limit":50,"migrations_remaining":50,"llm_allowed":true,"can_migrate":true,""");
    }

    [Fact]
    public async Task Of_a_webhook()
    {
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);

        (await billing.DeliverAsync(BillingServer.Event("cus_1"))).Text.ShouldBe("""{"status":"ok"}""");
        Plain(await billing.DeliverAsync("{")).ShouldBe(Problem(400, "Bad Request", "malformed", "Invalid payload"));
        Plain(await BillingServer.DeliverAsync(billing.Own.Server, BillingServer.Event("cus_1"), "whsec_of_another")).ShouldBe(Problem(
            400, "Bad Request", "malformed", "Invalid signature"));
    }

    [Theory]
    [InlineData("/billing/subscription")]
    [InlineData("/billing/invoices")]
    [InlineData("/billing/portal")]
    public async Task Without_Stripe(string route)
    {
        await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        Plain(await account.Key.GetAsync(route)).ShouldBe(Problem(
            503, "Service Unavailable", "billing_not_configured", "This server sells no subscriptions: STRIPE_SECRET_KEY is not set."));
    }

    private static string Problem(int status, string title, string code, string detail, string later = "") =>
        $$"""{"type":"urn:pyresolve:problem:{{code}}","title":"{{title}}","status":{{status}},"detail":"{{detail}}","code":"{{code}}","""
        + $$"""
        "request_id":"<id>"{{later}}}
        """;

    /// <summary>Without what differs from one request or server to the next.</summary>
    private static string Plain(Answer answer) => Address().Replace(
        ReturnTo().Replace(RequestId().Replace(answer.Text, "\"request_id\":\"<id>\""), "?return=<return>"), "<server>");

    [GeneratedRegex("\"request_id\":\"[^\"]+\"", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RequestId();

    [GeneratedRegex(@"\?return=[^""]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReturnTo();

    [GeneratedRegex("http://127.0.0.1:[0-9]+|http://localhost:[0-9]+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Address();
}
