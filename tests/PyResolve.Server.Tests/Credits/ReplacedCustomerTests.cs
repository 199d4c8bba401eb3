using System.Text.Json;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Commands;
using PyResolve.Server.Tests.Billing;

namespace PyResolve.Server.Tests.Credits;

/// <summary>An account has another customer by now; what the first one bought is still the account's.</summary>
public sealed class ReplacedCustomerTests(SharedServers servers)
{
    private const string Succeeded = "checkout.session.async_payment_succeeded";

    [Theory, OnEveryEngine]
    public async Task A_bank_debit_of_a_replaced_customer_gives_its_credits_and_a_refund_takes_them_back(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await ReplaceAsync(shop);

        Paid(shop, subscriber);
        await SendAsync(shop, subscriber, "evt_debit", Succeeded);
        await shop.WaitUntilProcessedAsync();
        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(40);

        Paid(shop, subscriber, refundedPercent: 100);
        await SendAsync(shop, subscriber, "evt_refund", "charge.refunded");
        await shop.WaitUntilProcessedAsync();
        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(0);
        (await subscriber.PlanAsync()).ShouldBe("pro");
        (await shop.Store.ReadNumberAsync("select count(*) from stripe_events where state = 'done' and note is null")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_dispute_of_a_replaced_customer_takes_its_credits_and_stays_to_be_reviewed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await ReplaceAsync(shop);
        Paid(shop, subscriber);
        await SendAsync(shop, subscriber, "evt_debit", Succeeded);
        await shop.WaitUntilProcessedAsync();

        Paid(shop, subscriber, refundedPercent: 100);
        await SendAsync(shop, subscriber, "evt_dispute", "charge.dispute.funds_withdrawn");
        await shop.WaitUntilProcessedAsync();
        await SendAsync(shop, subscriber, "evt_dispute_again", "charge.dispute.closed");
        await shop.WaitUntilProcessedAsync();

        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(0);
        (await shop.Store.ReadNumberAsync("select count(*) from stripe_events where note = 'needs review'")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_bank_debit_that_succeeds_while_another_event_is_looked_at_gives_its_credits(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await ReplaceAsync(shop);
        shop.Stripe.OnReadCredits = async () =>
        {
            shop.Stripe.OnReadCredits = static () => Task.CompletedTask;
            Paid(shop, subscriber);
            await SendAsync(shop, subscriber, "evt_debit", Succeeded);
        };

        await SendAsync(shop, subscriber, "evt_completed", "checkout.session.completed");

        await shop.WaitForCountAsync("select count(*) from stripe_events where event_id = 'evt_debit' and state = 'done'", 1);
        (await shop.Store.ReadSqlAsync("select note from stripe_events where event_id = 'evt_completed'"))
            .ShouldBe("no account has this customer");
        (await CreditShop.ReadAsync(subscriber.Account)).Credits.ShouldBe(40);
    }

    [Theory, OnBothEngines]
    public async Task A_customer_that_is_linked_again_while_it_is_looked_at_is_synced_whole(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await ReplaceAsync(shop);
        shop.Stripe.OnReadCredits = async () =>
        {
            shop.Stripe.OnReadCredits = static () => Task.CompletedTask;
            shop.Stripe.Set(subscriber.CustomerId, Subscriptions.Unlimited());
            await shop.Store.ExecuteSqlAsync("update billing_customers set unlinked_at = created_at where customer_id = 'cus_second'");
            await shop.Store.ExecuteSqlAsync(
                $"update billing_customers set unlinked_at = null where customer_id = '{subscriber.CustomerId}'");
        };

        await SendAsync(shop, subscriber, "evt_completed", "checkout.session.completed");

        await subscriber.WaitForPlanAsync("unlimited");
    }

    [Theory, OnBothEngines]
    public async Task A_bank_debit_of_a_replaced_customer_whose_account_was_deleted_is_to_be_reviewed(StorageEngine engine)
    {
        await using var shop = await StartAsync(engine);
        var subscriber = await ReplaceAsync(shop);
        await subscriber.DeleteAccountAsync();
        await shop.WaitUntilProcessedAsync();

        Paid(shop, subscriber);
        await SendAsync(shop, subscriber, "evt_debit", Succeeded);

        await shop.WaitUntilProcessedAsync();
        (await shop.Store.ReadSqlAsync("select note from stripe_events where event_id = 'evt_debit'")).ShouldBe("needs review");
    }

    private Task<BillingServer> StartAsync(StorageEngine engine) =>
        BillingServer.StartAsync(engine, servers.Postgres, settings: CreditShop.Settings(limit: 0));

    /// <summary>An account whose first customer bought credits, and whose second, which pays for the plan, has taken its place.</summary>
    private static async Task<Subscriber> ReplaceAsync(BillingServer shop)
    {
        var subscriber = await shop.SignUpAsync();
        shop.Stripe.Set("cus_second", Subscriptions.Pro(id: "sub_2") with
        {
            Metadata = new Dictionary<string, string> { ["user_id"] = subscriber.Account.UserId.ToString() },
        });
        (await StripeCommands.SyncAsync(
            shop.Own.Server.Services, "cus_second", isDryRun: false, TestContext.Current.CancellationToken)).ShouldBe(0);
        return subscriber;
    }

    private static void Paid(BillingServer shop, Subscriber subscriber, int refundedPercent = 0) =>
        shop.Stripe.PaidCredits[subscriber.CustomerId] =
            [new PaidCredits("cs_paid", subscriber.Account.UserId, 40, ValidDays: null, refundedPercent)];

    private static async Task SendAsync(BillingServer shop, Subscriber subscriber, string id, string type)
    {
        var body = JsonSerializer.Serialize(new
        {
            id,
            @object = "event",
            type,
            livemode = false,
            data = new
            {
                @object = new
                {
                    id = "cs_paid",
                    @object = type.StartsWith("charge", StringComparison.Ordinal) ? "charge" : "checkout.session",
                    mode = "payment",
                    customer = subscriber.CustomerId,
                    metadata = new Dictionary<string, string> { [NewPurchase.UnitsKey] = "40" },
                },
            },
        });
        (await BillingServer.DeliverAsync(shop.Own.Server, body)).Status.ShouldBe(200);
    }
}
