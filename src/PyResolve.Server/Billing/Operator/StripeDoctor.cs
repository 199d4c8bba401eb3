using System.Runtime.CompilerServices;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

internal sealed class StripeDoctor(IStripeGateway stripe, BillingOptions options, BillingLinks links, Inbox inbox, TimeProvider time)
{
    private static readonly TimeSpan MaxSkew = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(15);

    private string Address => options.ApiBase.GetLeftPart(UriPartial.Authority);

    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var isHealthy = true;
        try
        {
            await foreach (var (isProblem, text) in CheckAsync(cancellationToken))
            {
                isHealthy &= !isProblem;
                await WriteAsync(isProblem, text);
            }
        }
        catch (StripeException exception)
        {
            isHealthy = false;
            await WriteAsync(isProblem: true, exception.Message);
        }

        return isHealthy ? 0 : 1;

        Task WriteAsync(bool isProblem, string text) => output.WriteLineAsync($"{(isProblem ? "BAD" : "ok ")}  {text}");
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
                $"Stripe did not answer at {Address} within {RequestTimeout.TotalSeconds:0} s. "
                + "Can this machine reach it, through a firewall or a proxy? Is STRIPE_API_BASE right, if it is set?",
                exception);
        }
    }

    private async IAsyncEnumerable<(bool IsProblem, string Text)> CheckAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var mode = options.IsLive ? "live" : "test";
        yield return (false, $"The key is of {mode} mode; Stripe is at {Address}, API version {BillingOptions.PinnedApiVersion}.");
        var skew = await CallAsync(stripe.MeasureSkewAsync, cancellationToken);
        yield return skew is null
            ? (true, "Stripe's answer has no Date: the clocks cannot be compared.")
            : (skew.Value.Duration() > MaxSkew,
                $"The clocks are {skew.Value.Duration().TotalSeconds:0} s apart. "
                + "Signatures are refused from 300 s on: keep this machine's clock set (NTP).");
        foreach (var plan in PlanCatalog.Sold)
            yield return await CheckPriceAsync(plan, mode, cancellationToken);

        yield return CheckPortal(await CallAsync(stripe.ListPortalConfigurationsAsync, cancellationToken), mode);
        yield return options.WebhookSecrets.Count == 0
            ? (true, "STRIPE_WEBHOOK_SECRET is not set: every event is refused. 'stripe setup' prints it when it creates the endpoint.")
            : (options.WebhookSecrets.Any(static secret => !secret.StartsWith("whsec_", StringComparison.Ordinal)),
                $"{options.WebhookSecrets.Count} webhook secret(s); each must begin with whsec_.");
        yield return CheckEndpoint(await CallAsync(stripe.ListWebhookEndpointsAsync, cancellationToken), mode);
        var dead = (await inbox.ListAsync("dead", 200, cancellationToken)).Count;
        yield return dead == 0
            ? (false, "No event is dead.")
            : (true, $"{dead} events are dead: see 'stripe events list --dead', fix the cause, then run 'stripe events replay --dead'.");
    }

    private async Task<(bool IsProblem, string Text)> CheckPriceAsync(string plan, string mode, CancellationToken cancellationToken)
    {
        var variable = BillingOptions.PriceVariable(plan);
        if (!options.Prices.TryGetValue(plan, out var id))
            return (true, $"{variable} is not set: the {plan} plan is not for sale. 'stripe setup' creates one and prints the setting.");
        var price = await CallAsync(token => stripe.FindPriceAsync(id, token), cancellationToken);
        if (price is null)
            return (true, $"{variable} names {id}, which does not exist in {mode} mode. Is the key of the other mode?");
        if (!price.Active)
            return (true, $"{variable} names {id}, which is archived: no new subscription can use it.");
        return price.Livemode != options.IsLive
            ? (true, $"{variable} names {id}, which is not of {mode} mode.")
            : (false, $"The {plan} plan is sold by {id}.");
    }

    private (bool IsProblem, string Text) CheckPortal(IReadOnlyList<StripePortalConfiguration> configurations, string mode)
    {
        if (options.PortalConfiguration is { } id)
        {
            return configurations.Any(configuration => configuration.Id == id && configuration.Active)
                ? (false, $"The customer portal is set up by {id}.")
                : (true,
                    $"STRIPE_PORTAL_CONFIGURATION names {id}, which does not exist in {mode} mode, or is not active: "
                    + "customers cannot change or cancel a subscription. 'stripe setup' prints one that is.");
        }

        return configurations.Any(static configuration => configuration is { IsDefault: true, Active: true })
            ? (false, "The customer portal is set up by the account's default.")
            : (true,
                "STRIPE_PORTAL_CONFIGURATION is not set, and the account has no default: "
                + "customers cannot change or cancel a subscription. 'stripe setup' creates one and prints the setting.");
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
