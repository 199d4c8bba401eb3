using System.Diagnostics;
using PyResolve.Client;

namespace Tour;

/// <summary>The steps of a subscription: subscribe, use it, cancel, and let a month pass.</summary>
internal sealed class SubscriptionStory(Narrator narrator, CommandLine commandLine, PyResolveClient client)
{
    private const string Email = "ada@example.com";
    private static readonly TimeSpan WebhookDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(25);

    private Uri? _checkout;

    /// <summary>The address of the Stripe simulator.</summary>
    public string? StripeAddress => _checkout?.GetLeftPart(UriPartial.Authority);

    public async Task RunAsync(string refusedService, CancellationToken cancellationToken)
    {
        using var pages = new StripePages();
        await SubscribeAsync(pages, cancellationToken);
        await UseAsync(refusedService, cancellationToken);
        await CancelAsync(pages, cancellationToken);
        await LetItEndAsync(pages, cancellationToken);
    }

    private async Task SubscribeAsync(StripePages pages, CancellationToken cancellationToken)
    {
        narrator.Step($"Subscribe to {Catalogue.Paid}");
        narrator.Say("In Development a server without a Stripe key simulates Stripe. Nothing is charged.");
        narrator.Output($"await client.StartCheckoutAsync(\"{Catalogue.Paid}\")");
        _checkout = new Uri((await client.StartCheckoutAsync(Catalogue.Paid, cancellationToken)).CheckoutUrl);
        narrator.Output($"Checkout page: {_checkout.AbsoluteUri}");
        var title = await pages.PayAsync(_checkout, cancellationToken);
        if (!title.Contains(Catalogue.Product, StringComparison.Ordinal))
            throw new TourException($"The checkout page sells something else than {Catalogue.Product}: {title}");
        narrator.Output($"It says: {title}");
        var waited = await UntilPlanIsAsync(Catalogue.Paid, cancellationToken);
        narrator.Output($"Paid with a test card. {waited.TotalSeconds:0.00} s later Stripe's webhook has made {Email} a subscriber.");
        narrator.Say();
        await commandLine.RunAsync("status", 0, cancellationToken);
        await ExpectAsync(Catalogue.Paid, 5, 50, cancellationToken);
    }

    private async Task UseAsync(string refusedService, CancellationToken cancellationToken)
    {
        narrator.Step("Upgrade what was refused, and ask for a migration by an LLM");
        await commandLine.RunAsync($"upgrade pydantic --target 2.0 --path shop/{refusedService}", 0, cancellationToken);
        await ExpectAsync(Catalogue.Paid, 6, 50, cancellationToken);
        narrator.Say();
        narrator.Output(
            "await using var permit = await client.Quota.AcquireAsync(new MigrationRequest(\"pydantic\", MigrationTier.Tier2));");
        await using (var permit = await client.Quota.AcquireAsync(new MigrationRequest("pydantic", MigrationTier.Tier2), cancellationToken))
        {
            if (!permit.IsGranted)
                throw new TourException($"tier2 was denied: {permit.Denial.Message}");
            narrator.Output($"Granted; {Catalogue.Free} would be refused. The tour does no work with it, so the reservation is released.");
        }

        await ExpectAsync(Catalogue.Paid, 6, 50, cancellationToken);
    }

    private async Task CancelAsync(StripePages pages, CancellationToken cancellationToken)
    {
        narrator.Step("Cancel in the portal");
        narrator.Output("await client.OpenPortalAsync()");
        await pages.CancelAsync(new Uri((await client.OpenPortalAsync(cancellationToken)).PortalUrl), cancellationToken);
        await UntilAsync(
            async () => (await client.GetSubscriptionAsync(cancellationToken)).Cancelling,
            "the subscription was cancelled",
            cancellationToken);
        var subscription = await client.GetSubscriptionAsync(cancellationToken);
        narrator.Output(
            $"Still {subscription.Plan}, which is paid for until {subscription.CurrentPeriodEnd:yyyy-MM-dd}, and then {Catalogue.Free}.");
        await ExpectAsync(Catalogue.Paid, 6, 50, cancellationToken);
    }

    private async Task LetItEndAsync(StripePages pages, CancellationToken cancellationToken)
    {
        narrator.Step("A month passes at Stripe");
        await pages.LetAMonthPassAsync(_checkout!, cancellationToken);
        await UntilPlanIsAsync(Catalogue.Free, cancellationToken);
        await commandLine.RunAsync("status", 0, cancellationToken);
        narrator.Say("(the server's own clock is still in the same month, so the used migrations count)");
        await ExpectAsync(Catalogue.Free, 6, 5, cancellationToken);
    }

    private Task<TimeSpan> UntilPlanIsAsync(string plan, CancellationToken cancellationToken) => UntilAsync(
        async () => (await client.GetQuotaAsync(cancellationToken)).Plan == plan, $"the plan became {plan}", cancellationToken);

    private async Task ExpectAsync(string plan, int used, int limit, CancellationToken cancellationToken)
    {
        var quota = await client.GetQuotaAsync(cancellationToken);
        if (quota.Plan != plan || quota.MigrationsUsed != used || quota.MigrationsLimit.Value != limit
            || quota.LlmAllowed != (plan != Catalogue.Free))
        {
            var actual = $"{quota.Plan}, {quota.MigrationsUsed}/{quota.MigrationsLimit}, LLM {quota.LlmAllowed}";
            throw new TourException($"The server says {actual}; expected {plan}, {used}/{limit}.");
        }
    }

    private static async Task<TimeSpan> UntilAsync(Func<Task<bool>> condition, string what, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > WebhookDeadline)
                throw new TourException($"{WebhookDeadline.TotalSeconds} s passed before {what}.");
            await Task.Delay(PollInterval, cancellationToken);
        }

        return Stopwatch.GetElapsedTime(start);
    }
}
