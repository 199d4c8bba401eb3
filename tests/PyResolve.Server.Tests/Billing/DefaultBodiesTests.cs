using System.Text.RegularExpressions;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// With the default catalogue, the bodies of plans, quota, account and billing are these, byte for byte. What came later stands after
/// what was there before.
/// </summary>
public sealed partial class DefaultBodiesTests(SharedServers servers)
{
    private const string Later = ",\"trial_days\":null,\"per_seat\":false}";

    private const string NoLater =
        ",\"interval\":null,\"quantity\":null,\"trial_ends_at\":null,\"scheduled_plan\":null,\"scheduled_at\":null}";

    [Fact]
    public async Task The_plans_have_these_bodies()
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
    public async Task On_each_plan_quota_and_account_have_these_bodies(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");
        (string Plan, string Limit, string Llm)[] plans =
        [
            ("free", "5", "false"), ("pro", "50", "true"), ("unlimited", "\"unlimited\"", "true"),
            ("enterprise", "\"unlimited\"", "true"),
        ];

        foreach (var (plan, limit, llm) in plans)
        {
            await own.Store.ExecuteSqlAsync($"update profiles set plan = '{plan}'");
            var quota = Quota(plan, used: 0, limit, remaining: limit, llm);
            (await account.Key.GetAsync("/quota")).Text.ShouldBe(quota);
            (await account.Key.GetAsync("/me")).Text.ShouldBe(
                $$"""{"user_id":"{{account.UserId}}","email":"ada@example.com","plan":"{{plan}}","quota":{{quota}}}""");
        }
    }

    [Theory, OnBothEngines]
    public async Task Where_the_plan_is_used_up_quota_and_refusal_have_these_bodies(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        (await account.CommitAsync((await account.ReserveAsync(quantity: 5)).Id())).Status.ShouldBe(200);

        (await account.Key.GetAsync("/quota")).Text.ShouldBe(
            Quota("free", used: 5, "5", remaining: "0", llm: "false").Replace("\"can_migrate\":true", "\"can_migrate\":false"));
        Plain(await account.ReserveAsync()).ShouldBe(Problem(
            402, "Payment Required", "quota_exceeded",
            "Monthly limit reached (5 migrations on the free plan: 5 used, 0 held, 1 asked for). It resets at 2026-12-01T00:00:00Z.",
            ",\"upgrade_url\":\"<server>/pricing\",\"resets_at\":\"2026-12-01T00:00:00Z\""));
    }

    [Fact]
    public async Task Credits_and_overage_are_refused_where_no_plan_has_them()
    {
        await servers.OnAsync(StorageEngine.Sqlite);
        var key = (await servers.SignUpAsync(StorageEngine.Sqlite)).Key;

        Plain(await key.PostAsync("/billing/checkout", new { credits = "small" })).ShouldBe(Problem(
            400, "Bad Request", "malformed", "This server sells no credits."));
        Plain(await key.PostAsync("/billing/overage", new { cap = 5 })).ShouldBe(Problem(
            409, "Conflict", "conflict", "No plan of this server has overage."));
        (await key.PostAsync("/billing/overage", new { cap = 0 })).Text.ShouldBe(Quota("free", used: 0, "5", remaining: "5", llm: "false"));
    }

    [Theory, OnBothEngines]
    public async Task Before_the_first_subscription_the_billing_routes_have_these_bodies(StorageEngine engine)
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
    public async Task With_a_subscription_the_billing_routes_have_these_bodies(StorageEngine engine)
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
        (await key.GetAsync("/quota")).Text.ShouldBe(Quota("pro", used: 0, "50", remaining: "50", llm: "true"));
    }

    [Fact]
    public async Task A_webhook_is_answered_with_these_bodies()
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
    public async Task Without_Stripe_billing_routes_answer_503(string route)
    {
        await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        Plain(await account.Key.GetAsync(route)).ShouldBe(Problem(
            503, "Service Unavailable", "billing_not_configured", "This server sells no subscriptions: STRIPE_SECRET_KEY is not set."));
    }

    private static string Quota(string plan, int used, string limit, string remaining, string llm) =>
        $$"""{"plan":"{{plan}}","migrations_used":{{used}},"migrations_limit":{{limit}},"migrations_remaining":{{remaining}}"""
        + $$""","llm_allowed":{{llm}},"can_migrate":true,"migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}""";

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
