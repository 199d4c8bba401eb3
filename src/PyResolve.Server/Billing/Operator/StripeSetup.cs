using PyResolve.Client;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Operator;

/// <summary>Creates what is missing at Stripe and prints the settings for it. Running it again changes nothing.</summary>
internal sealed class StripeSetup(
    IStripeGateway stripe, StripeCatalog catalog, PlanCatalog plans, BillingOptions options, BillingLinks links, ServerOptions server)
{
    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        if ((CheckPublicUrl() ?? CheckPortal()) is { } problem)
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

        var portal = await catalog.EnsurePortalAsync(prices, links.PortalDefault, output, cancellationToken);
        await output.WriteLineAsync($"STRIPE_PORTAL_CONFIGURATION={portal.Id}");
        if (!links.IsReachable)
        {
            // Stripe refuses an endpoint at such an address.
            await output.WriteLineAsync(
                $"# Stripe does not reach {links.Webhooks}, so there is no endpoint. Run '{links.Forwarding}', and set "
                + "STRIPE_WEBHOOK_SECRET to the secret that it prints.");
            if (options.WebhookSecrets.Count > 0)
                await output.WriteLineAsync($"STRIPE_WEBHOOK_SECRET={string.Join(',', options.WebhookSecrets)}");
            return 0;
        }

        var (endpoint, keepsSecrets) = await EnsureEndpointAsync(output, cancellationToken);
        // What was set is printed again: the output may replace the file that it was set from.
        string?[] secrets = [endpoint.Secret, .. keepsSecrets ? options.WebhookSecrets : []];
        var known = secrets.OfType<string>().ToList();
        await output.WriteLineAsync(known.Count > 0
            ? $"STRIPE_WEBHOOK_SECRET={string.Join(',', known)}"
            : "# STRIPE_WEBHOOK_SECRET is not set here, and Stripe returns it only when it creates the endpoint. "
                + $"The dashboard shows it at {endpoint.Id}.");
        return 0;
    }

    /// <summary>Checks the portal before anything is made: without one nobody could change or cancel.</summary>
    private string? CheckPortal()
    {
        var shown = plans.Sold.Where(static plan => plan.IsPublic).Select(static plan => plan.Name).ToList();
        return shown.Count > PortalContents.MaxProducts
            ? $"Stripe's customer portal takes at most {PortalContents.MaxProducts} products, and the catalogue sells {shown.Count} public "
                + $"plans: {string.Join(", ", shown.Skip(PortalContents.MaxProducts))} would not fit. Nothing was made. Set "
                + "PyResolve:Plans:<plan>:Public=false for plans that nobody needs to choose there, or sell fewer."
            : null;
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

    /// <returns>Also whether the secrets that are set are still needed.</returns>
    private async Task<(StripeWebhookEndpoint Endpoint, bool KeepsSecrets)> EnsureEndpointAsync(
        TextWriter output, CancellationToken cancellationToken)
    {
        var ours = (await stripe.ListWebhookEndpointsAsync(cancellationToken)).Where(endpoint => endpoint.Url == links.Webhooks).ToList();
        if (ours.Find(endpoint => endpoint.ApiVersion == BillingOptions.PinnedApiVersion && endpoint.Status == "enabled") is { } endpoint)
        {
            if (StripeEvents.Subscribed.All(type => Receives(endpoint, type)))
                return (endpoint, true);
            // Keeps the events that were added in the dashboard.
            string[] events = [.. (endpoint.EnabledEvents ?? []).Union(StripeEvents.Subscribed)];
            return (await stripe.UpdateWebhookEndpointAsync(endpoint.Id, events, cancellationToken), true);
        }

        foreach (var old in ours)
        {
            await output.WriteLineAsync(
                $"# {old.Id} is disabled or of API version {old.ApiVersion}: a new endpoint replaces it. "
                + "Delete the old one in the dashboard once the new secret is set.");
        }

        // Until the old one is deleted, its events arrive too.
        return (await stripe.CreateWebhookEndpointAsync(links.Webhooks, StripeEvents.Subscribed, cancellationToken), ours.Count > 0);
    }

    public static bool Receives(StripeWebhookEndpoint endpoint, string type) =>
        endpoint.EnabledEvents?.Any(enabled => enabled == type || enabled == "*") == true;

    private static async Task<int> FailAsync(string reason)
    {
        await Console.Error.WriteLineAsync(reason);
        return 2;
    }
}
