using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Operator;

/// <summary><c>stripe doctor</c>: looks at everything that has to fit together, and names the mend of what does not.</summary>
internal sealed class StripeDoctor(IStripeGateway stripe, BillingOptions options, BillingLinks links, Inbox inbox, TimeProvider time)
{
    private static readonly TimeSpan MostSkew = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestAnswer = TimeSpan.FromSeconds(15);

    private string Address => options.ApiBase.GetLeftPart(UriPartial.Authority);

    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var isWell = true;
        try
        {
            await foreach (var (trouble, text) in LookAsync(cancellationToken))
            {
                isWell &= !trouble;
                await WriteAsync(trouble, text);
            }
        }
        catch (StripeException exception)
        {
            isWell = false;
            await WriteAsync(trouble: true, exception.Message);
        }

        return isWell ? 0 : 1;

        Task WriteAsync(bool trouble, string text) => output.WriteLineAsync($"{(trouble ? "BAD" : "ok ")}  {text}");
    }

    /// <summary>Whoever asks what is wrong does not wait as long as a payment may.</summary>
    private async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> question, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(LongestAnswer, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await question(either.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StripeException(
                $"Stripe did not answer at {Address} within {LongestAnswer.TotalSeconds:0} s. May this machine reach it, through a firewall or a proxy? Is STRIPE_API_BASE right, where it is set?",
                exception);
        }
    }

    private async IAsyncEnumerable<(bool Trouble, string Text)> LookAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var mode = options.IsLive ? "live" : "test";
        yield return (false, $"The key is of {mode} mode; Stripe is at {Address}, API version {options.ApiVersion}.");
        var skew = await AskAsync(stripe.MeasureSkewAsync, cancellationToken);
        yield return skew is null
            ? (true, "Stripe's answer has no Date: its clock cannot be compared.")
            : (skew.Value.Duration() > MostSkew, $"The clocks are {skew.Value.Duration().TotalSeconds:0} s apart. Signatures are refused from 300 s on: keep this machine's clock set (NTP).");
        foreach (var plan in PlanCatalog.Sold)
            yield return await LookAtPriceAsync(plan, mode, cancellationToken);

        yield return LookAtPortal(await AskAsync(stripe.ListPortalConfigurationsAsync, cancellationToken), mode);
        yield return options.WebhookSecrets.Count == 0
            ? (true, "STRIPE_WEBHOOK_SECRET is not set: every event is refused. 'stripe setup' prints it when it makes the endpoint.")
            : (options.WebhookSecrets.Any(static secret => !secret.StartsWith("whsec_", StringComparison.Ordinal)), $"{options.WebhookSecrets.Count} webhook secret(s); each begins with whsec_.");
        yield return LookAtEndpoint(await AskAsync(stripe.ListWebhookEndpointsAsync, cancellationToken), mode);
        var dead = (await inbox.ListAsync("dead", 200, cancellationToken)).Count;
        yield return (dead > 0, dead == 0 ? "No event is dead." : $"{dead} events are dead: see 'stripe events list --dead', mend the cause, then 'stripe events replay --dead'.");
    }

    private async Task<(bool Trouble, string Text)> LookAtPriceAsync(string plan, string mode, CancellationToken cancellationToken)
    {
        var variable = BillingOptions.PriceVariable(plan);
        if (!options.Prices.TryGetValue(plan, out var id))
            return (true, $"{variable} is not set: the {plan} plan is not for sale. 'stripe setup' makes the price and prints the setting.");
        var price = await AskAsync(asking => stripe.FindPriceAsync(id, asking), cancellationToken);
        if (price is null)
            return (true, $"{variable} names {id}, which is not there in {mode} mode. Is the key of the other mode?");
        if (!price.Active)
            return (true, $"{variable} names {id}, which is archived: nobody can subscribe by it.");
        return price.Livemode != options.IsLive
            ? (true, $"{variable} names {id}, which is not of {mode} mode.")
            : (false, $"The {plan} plan is sold by {id}.");
    }

    private (bool Trouble, string Text) LookAtPortal(IReadOnlyList<StripePortalConfiguration> configurations, string mode)
    {
        if (options.PortalConfiguration is { } id)
        {
            return configurations.Any(configuration => configuration.Id == id && configuration.Active)
                ? (false, $"The customer portal is set up by {id}.")
                : (true, $"STRIPE_PORTAL_CONFIGURATION names {id}, which is not there in {mode} mode, or not active: nobody can change or cancel a subscription. 'stripe setup' prints one that is.");
        }

        return configurations.Any(static configuration => configuration is { IsDefault: true, Active: true })
            ? (false, "The customer portal is set up by the account's default.")
            : (true, "STRIPE_PORTAL_CONFIGURATION is not set, and the account has no default: nobody can change or cancel a subscription. 'stripe setup' makes one and prints the setting.");
    }

    private (bool Trouble, string Text) LookAtEndpoint(IReadOnlyList<StripeWebhookEndpoint> endpoints, string mode)
    {
        var ours = endpoints.Where(endpoint => endpoint.Url == links.Webhooks).ToList();
        if (ours.Count == 0)
            return (true, $"No webhook endpoint of {mode} mode sends to {links.Webhooks}. Is PYRESOLVE_PUBLIC_URL right? 'stripe setup' makes the endpoint.");
        if (ours.Count > 1)
            return (true, $"{ours.Count} webhook endpoints send to {links.Webhooks}: events come that often, under different secrets. Delete all but one in the dashboard.");
        var endpoint = ours[0];
        if (endpoint.Status != "enabled")
            return (true, $"The webhook endpoint {endpoint.Id} is {endpoint.Status}. Enable it in the dashboard, or run 'stripe setup'.");
        if (endpoint.ApiVersion != options.ApiVersion)
            return (true, $"The webhook endpoint {endpoint.Id} sends API version {endpoint.ApiVersion ?? "of the account"}, not {options.ApiVersion}. Events work all the same; 'stripe setup' makes one that fits.");
        var missing = StripeEvents.Subscribed.Where(type => !StripeSetup.Receives(endpoint, type)).ToList();
        return missing.Count > 0
            ? (true, $"The webhook endpoint {endpoint.Id} does not send {string.Join(", ", missing)}. 'stripe setup' adds what is missing.")
            : (false, $"The webhook endpoint {endpoint.Id} sends every event that matters to {endpoint.Url}.");
    }
}
