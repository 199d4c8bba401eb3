using PyResolve.Client;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Operator;

/// <summary>Creates what is missing at Stripe and prints the settings for it. Running it again changes nothing.</summary>
internal sealed class StripeSetup(
    IStripeGateway stripe, StripeCatalog catalog, BillingOptions options, BillingLinks links, ServerOptions server)
{
    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        if (CheckPublicUrl() is { } problem)
            return await FailAsync(problem);
        foreach (var sold in options.Prices.Concat(options.OtherPrices))
        {
            if (await stripe.FindPriceAsync(sold.Id, cancellationToken) is null)
            {
                return await FailAsync(
                    $"{sold.Price.Variable} names {sold.Id}, "
                    + $"which does not exist in {(options.IsLive ? "live" : "test")} mode. Unset it, or use the other mode's key.");
            }
        }

        var prices = await catalog.EnsurePricesAsync(output, cancellationToken);
        foreach (var (price, made) in prices)
            await output.WriteLineAsync($"{price.Variable}={made.Id}");

        foreach (var (price, made) in await catalog.EnsureOtherPricesAsync(output, cancellationToken))
            await output.WriteLineAsync($"{price.Variable}={made.Id}");

        var portal = await catalog.EnsurePortalAsync(
            [.. prices.Select(static price => price.Made)], links.PortalDefault, output, cancellationToken);
        await output.WriteLineAsync($"STRIPE_PORTAL_CONFIGURATION={portal.Id}");
        var endpoint = await EnsureEndpointAsync(output, cancellationToken);
        await output.WriteLineAsync(endpoint.Secret is { } secret
            ? $"STRIPE_WEBHOOK_SECRET={secret}"
            : "# STRIPE_WEBHOOK_SECRET stays as it is: Stripe returns it only when it creates the endpoint. "
                + $"The dashboard shows it at {endpoint.Id}.");
        return 0;
    }

    private string? CheckPublicUrl()
    {
        if (server.PublicUrl is not { } url)
            return "PYRESOLVE_PUBLIC_URL is not set. Set it to the address by which Stripe reaches it, such as https://api.example.com.";
        return options.IsLive && (Loopback.Is(url) || url.Scheme != Uri.UriSchemeHttps)
            ? "The key is a live one, and PYRESOLVE_PUBLIC_URL is not an https address that Stripe can reach. "
                + "Set it to the server's public address, or use a test key."
            : null;
    }

    private async Task<StripeWebhookEndpoint> EnsureEndpointAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var ours = (await stripe.ListWebhookEndpointsAsync(cancellationToken)).Where(endpoint => endpoint.Url == links.Webhooks).ToList();
        if (ours.Find(endpoint => endpoint.ApiVersion == BillingOptions.PinnedApiVersion && endpoint.Status == "enabled") is { } endpoint)
        {
            if (StripeEvents.Subscribed.All(type => Receives(endpoint, type)))
                return endpoint;
            // Keeps the events that were added in the dashboard.
            string[] events = [.. (endpoint.EnabledEvents ?? []).Union(StripeEvents.Subscribed)];
            return await stripe.UpdateWebhookEndpointAsync(endpoint.Id, events, cancellationToken);
        }

        foreach (var old in ours)
        {
            await output.WriteLineAsync(
                $"# {old.Id} is disabled or of API version {old.ApiVersion}: a new endpoint replaces it. "
                + "Delete the old one in the dashboard once the new secret is set.");
        }

        return await stripe.CreateWebhookEndpointAsync(links.Webhooks, StripeEvents.Subscribed, cancellationToken);
    }

    public static bool Receives(StripeWebhookEndpoint endpoint, string type) =>
        endpoint.EnabledEvents?.Any(enabled => enabled == type || enabled == "*") == true;

    private static async Task<int> FailAsync(string reason)
    {
        await Console.Error.WriteLineAsync(reason);
        return 2;
    }
}
