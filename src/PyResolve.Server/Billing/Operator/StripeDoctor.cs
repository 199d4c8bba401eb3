using System.Runtime.CompilerServices;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Metering;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeDoctor(
    IStripeGateway stripe, PriceChecks prices, PlanCatalog plans, UnknownPlans unknownPlans, BillingOptions options, BillingLinks links,
    Inbox inbox, MeterReports reports, TimeProvider time)
{
    private const string HowToReach =
        "Can this machine reach it, through a firewall or a proxy? Is STRIPE_API_BASE right, if it is set?";

    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(15);

    private string Address => options.ApiBase.GetLeftPart(UriPartial.Authority);

    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var isHealthy = true;
        await foreach (var (isProblem, text) in ExamineAsync(cancellationToken))
        {
            isHealthy &= !isProblem;
            await output.WriteLineAsync($"{(isProblem ? "BAD" : "ok ")}  {text}");
        }

        if (await unknownPlans.DescribeAsync(cancellationToken) is { } unknown)
        {
            isHealthy = false;
            await output.WriteLineAsync($"BAD  {unknown}");
        }

        return isHealthy ? 0 : 1;
    }

    /// <summary>Checks everything at Stripe. Ends with a problem where Stripe does not answer.</summary>
    public async IAsyncEnumerable<(bool IsProblem, string Text)> ExamineAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var lines = CheckAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            string? failure = null;
            try
            {
                if (!await lines.MoveNextAsync())
                    yield break;
            }
            catch (StripeException exception)
            {
                failure = exception.Status is null ? $"{exception.Message.Trim().TrimEnd('.')}. {HowToReach}" : exception.Message;
            }

            if (failure is not null)
            {
                yield return (true, failure);
                yield break;
            }

            yield return lines.Current;
        }
    }

    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(RequestTimeout, time);
        using var combined = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await call(combined.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StripeException(
                $"Stripe did not answer at {Address} within {RequestTimeout.TotalSeconds:0} s.", exception);
        }
    }

    /// <summary>Runs a check. A restricted key may lack the permission for one call, and have it for the others.</summary>
    private async Task<(bool IsProblem, string Text)> CheckAsync(
        Func<CancellationToken, Task<(bool IsProblem, string Text)>> check, CancellationToken cancellationToken)
    {
        try
        {
            return await CallAsync(check, cancellationToken);
        }
        catch (StripeException exception) when (exception.Status == StatusCodes.Status403Forbidden)
        {
            return (true, $"The key lacks a permission; docs/stripe.md lists those that it needs. {exception.Message}");
        }
    }

    private async IAsyncEnumerable<(bool IsProblem, string Text)> CheckAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var mode = options.IsLive ? "live" : "test";
        yield return (false, $"The key is of {mode} mode; Stripe is at {Address}, API version {BillingOptions.PinnedApiVersion}.");
        yield return await CheckAsync(CheckClockAsync, cancellationToken);
        if (options.IsRestricted)
            yield return DescribePermissions(await stripe.ListMissingPermissionsAsync(cancellationToken));
        foreach (var price in plans.Prices)
        {
            var found = await CheckAsync(token => prices.CheckAsync(price, token), cancellationToken);
            yield return found;
            if (!found.IsProblem)
                yield return await CheckAsync(token => prices.TryAsync(price, token), cancellationToken);
        }

        foreach (var price in plans.OtherPrices)
        {
            var found = await CheckAsync(token => prices.CheckOtherAsync(price, token), cancellationToken);
            yield return found;
            if (!found.IsProblem && plans.Packs.FirstOrDefault(pack => pack.Price == price) is { } pack)
                yield return await CheckAsync(token => prices.TryAsync(pack, token), cancellationToken);
        }

        foreach (var (id, title) in prices.Products)
        {
            var named = await CheckAsync(token => prices.CheckNameAsync(id, title, token), cancellationToken);
            if (named.IsProblem)
                yield return named;
        }

        foreach (var report in await reports.ListLateAsync(cancellationToken))
            yield return (true, report.ToString());
        yield return await CheckAsync(
            async token => CheckPortal(await stripe.ListPortalConfigurationsAsync(token), mode), cancellationToken);
        yield return options.WebhookSecrets.Count == 0
            ? (true, "STRIPE_WEBHOOK_SECRET is not set: every event is refused. 'stripe setup' prints it when it creates the endpoint.")
            : (options.WebhookSecrets.Any(static secret => !secret.StartsWith("whsec_", StringComparison.Ordinal)),
                $"{options.WebhookSecrets.Count} webhook secret(s); each must begin with whsec_.");
        yield return !links.IsReachable && !options.IsLive
            ? (false,
                $"Stripe does not reach {links.Webhooks}. Is PYRESOLVE_PUBLIC_URL right? On a laptop '{links.Forwarding}' has to run, "
                + "and its secret to be set.")
            : await CheckAsync(
                async token => CheckEndpoint(await stripe.ListWebhookEndpointsAsync(token), mode), cancellationToken);
        var dead = (await inbox.ListAsync("dead", 200, cancellationToken)).Count;
        yield return dead == 0
            ? (false, "No event is dead.")
            : (true, $"{dead} events are dead: see 'stripe events list --dead', fix the cause, then run 'stripe events replay --dead'.");
    }

    private async Task<(bool IsProblem, string Text)> CheckClockAsync(CancellationToken cancellationToken)
    {
        var skew = await stripe.MeasureSkewAsync(cancellationToken);
        return skew is null
            ? (true, "Stripe's answer has no Date: the clocks cannot be compared.")
            : (skew.Value.Duration() > MaxSkew,
                $"The clocks are {skew.Value.Duration().TotalSeconds:0} s apart. "
                + "Signatures are refused from 300 s on: keep this machine's clock set (NTP).");
    }

    private static (bool IsProblem, string Text) DescribePermissions(IReadOnlyList<string> missing) => missing.Count == 0
        ? (false, "The restricted key has every permission that selling needs.")
        : (true,
            $"The restricted key lacks these permissions: {string.Join(", ", missing)}. "
            + "Add them in the dashboard, where the key was made.");

    private (bool IsProblem, string Text) CheckPortal(IReadOnlyList<StripePortalConfiguration> configurations, string mode)
    {
        var id = options.PortalConfiguration;
        var portal = configurations.FirstOrDefault(
            configuration => configuration.Active && (id is null ? configuration.IsDefault : configuration.Id == id));
        return portal switch
        {
            null when id is not null => (true,
                $"STRIPE_PORTAL_CONFIGURATION names {id}, which does not exist in {mode} mode, or is not active: "
                + "customers cannot change or cancel a subscription. 'stripe setup' prints one that is."),
            null => (true,
                "STRIPE_PORTAL_CONFIGURATION is not set, and the account has no default: "
                + "customers cannot change or cancel a subscription. 'stripe setup' creates one and prints the setting."),
            { DowngradesAtOnce: true } => (true,
                $"The customer portal {portal.Id} makes a downgrade at once, and credits the rest of the month: who upgrades, uses and "
                + "downgrades pays nothing. 'stripe setup' lets downgrades wait for the end of the period."),
            _ when prices.FindPortalFault(portal) is { } fault => (true, $"The customer portal {portal.Id} {fault}"),
            _ => (false, $"The customer portal is set up by {id ?? "the account's default"}."),
        };
    }

    private (bool IsProblem, string Text) CheckEndpoint(IReadOnlyList<StripeWebhookEndpoint> endpoints, string mode)
    {
        var ours = endpoints.Where(endpoint => endpoint.Url == links.Webhooks).ToList();
        if (ours.Count == 0)
        {
            return (true,
                $"No webhook endpoint of {mode} mode sends to {links.Webhooks}. "
                + "Is PYRESOLVE_PUBLIC_URL right? 'stripe setup' creates the endpoint.");
        }

        if (ours.Count > 1)
        {
            return (true,
                $"{ours.Count} webhook endpoints send to {links.Webhooks}: each event arrives that often, under different secrets. "
                + "Delete all but one in the dashboard.");
        }

        var endpoint = ours[0];
        if (endpoint.Status != "enabled")
            return (true, $"The webhook endpoint {endpoint.Id} is {endpoint.Status}. Enable it in the dashboard, or run 'stripe setup'.");
        if (endpoint.ApiVersion != BillingOptions.PinnedApiVersion)
        {
            return (true,
                $"The webhook endpoint {endpoint.Id} sends API version {endpoint.ApiVersion ?? "of the account"}, "
                + $"not {BillingOptions.PinnedApiVersion}. "
                + "Events work all the same; 'stripe setup' creates one of this version.");
        }

        var missing = StripeEvents.Subscribed.Where(type => !StripeSetup.Receives(endpoint, type)).ToList();
        return missing.Count > 0
            ? (true, $"The webhook endpoint {endpoint.Id} does not send {string.Join(", ", missing)}. 'stripe setup' adds what is missing.")
            : (false, $"The webhook endpoint {endpoint.Id} sends every event that matters to {endpoint.Url}.");
    }
}
