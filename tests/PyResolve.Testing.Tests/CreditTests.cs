namespace PyResolve.Testing.Tests;

/// <summary>What the fake server lets an account use beyond its plan: credits first, then overage.</summary>
public sealed class CreditTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_plan_is_used_up_then_credits_then_overage()
    {
        await using var server = Start(credits: 3);
        await using var client = server.CreateClient();
        (await client.SetOverageCapAsync(2, Cancellation)).OverageCap.ShouldBe(2);
        await UseAsync(client, 5);

        await UseAsync(client, 4);

        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.Credits, quota.OverageUsed, quota.MigrationsUsed, quota.MigrationsRemaining.Value, quota.CanMigrate)
            .ShouldBe((0, 1, 9, 0, true));
        var receipt = server.Account.Holds[^1].Receipt!;
        (receipt.Credits, receipt.Overage).ShouldBe((3, 1));
        (receipt.ChargedCredits, receipt.ChargedOverage).ShouldBe((3, 1));
        receipt.Reason.ShouldBe("Granted: of the 4 asked for, the pro plan's quota covers 0, credits 3, overage 1.");
        var refused = await FailAsync(UseAsync(client, 2));
        refused.Code.ShouldBe(ProblemCodes.QuotaExceeded);
        refused.Message.ShouldContain("Buy credits, or raise the limit of overage, at https://pyresolve.test/pricing");
    }

    [Fact]
    public async Task What_a_reservation_does_not_use_goes_back_to_overage_first()
    {
        await using var server = Start(credits: 3);
        await using var client = server.CreateClient();
        await client.SetOverageCapAsync(2, Cancellation);
        await UseAsync(client, 5);

        await UseAsync(client, 1, of: 5);

        (server.Account.Credits, server.Account.Quota.OverageUsed).ShouldBe((2, 0));
        await client.SetOverageCapAsync(0, Cancellation);
        (await FailAsync(UseAsync(client, 3))).Code.ShouldBe(ProblemCodes.QuotaExceeded);
        await UseAsync(client, 2);
        server.Account.Quota.CanMigrate.ShouldBeFalse();
    }

    [Fact]
    public async Task A_commit_after_the_end_is_charged_to_what_was_reserved()
    {
        await using var server = Start(credits: 2);
        await using var client = server.CreateClient();
        await UseAsync(client, 5);
        var held = await client.CreateReservationAsync(
            new() { Tier = "tier1", Quantity = 2, TtlSeconds = 60 }, cancellationToken: Cancellation);

        server.Clock.Advance(TimeSpan.FromMinutes(2));
        server.Account.Credits.ShouldBe(2);
        await client.CommitReservationAsync(held.Id, new() { Quantity = 2 }, Cancellation);

        server.Account.Credits.ShouldBe(0);
    }

    [Fact]
    public async Task Credits_are_bought_on_a_page_and_overage_needs_a_subscription()
    {
        await using var server = Start(credits: 0);
        await using var client = server.CreateClient();

        (await client.StartCheckoutAsync(new CheckoutRequest { Credits = "small" }, Cancellation)).CheckoutUrl
            .ShouldEndWith("/credits/small");
        (await FailAsync(client.StartCheckoutAsync(new CheckoutRequest { Credits = "big" }, Cancellation))).Message
            .ShouldBe("There are no such credits. Use 'small'.");
        (await FailAsync(client.SetOverageCapAsync(100, Cancellation))).Status.ShouldBe(422);
        server.Account.Subscription = null;
        (await FailAsync(client.SetOverageCapAsync(1, Cancellation))).Message.ShouldContain("Subscribe first");
        server.IsBillingConfigured = false;
        (await FailAsync(client.SetOverageCapAsync(1, Cancellation))).Code.ShouldBe(ProblemCodes.BillingNotConfigured);
    }

    /// <summary>The plan has five migrations a month, and allows two of overage.</summary>
    private static FakePyResolveServer Start(long credits)
    {
        var server = FakePyResolveServer.Start();
        server.Plans["pro"] = server.Plans["pro"] with { MigrationsLimit = QuotaLimit.Of(5) };
        server.MaxOverage = 2;
        server.SellCredits("small", 40);
        server.Account.Subscribe("pro");
        server.Account.Credits = credits;
        return server;
    }

    private static async Task UseAsync(PyResolveClient client, int units, int? of = null)
    {
        var held = await client.CreateReservationAsync(new() { Tier = "tier1", Quantity = of ?? units }, cancellationToken: Cancellation);
        await client.CommitReservationAsync(held.Id, new() { Quantity = units }, Cancellation);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
