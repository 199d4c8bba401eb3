using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing.Operator;

/// <summary><c>stripe setup</c>: makes at Stripe what is not there yet, and prints the settings that name it. Running it again changes nothing.</summary>
internal sealed class StripeSetup(IStripeGateway stripe, StripeCatalog catalog, BillingOptions options, BillingLinks links, ServerOptions server)
{
    public async Task<int> RunAsync(TextWriter output, CancellationToken cancellationToken)
    {
        if (Refusal() is { } refusal)
            return await RefuseAsync(refusal);
        foreach (var (plan, price) in options.Prices)
        {
            if (await stripe.FindPriceAsync(price, cancellationToken) is null)
                return await RefuseAsync($"{BillingOptions.PriceVariable(plan)} names {price}, which is not there in {(options.IsLive ? "live" : "test")} mode. Unset it, or use the key of the mode that has it.");
        }

        var prices = new List<StripePrice>();
        foreach (var plan in PlanCatalog.Sold)
        {
            var price = await catalog.EnsurePriceAsync(plan, output, cancellationToken);
            prices.Add(price);
            await output.WriteLineAsync($"{BillingOptions.PriceVariable(plan)}={price.Id}");
        }

        await output.WriteLineAsync($"STRIPE_PORTAL_CONFIGURATION={(await catalog.EnsurePortalAsync(prices, links.PortalDefault, cancellationToken)).Id}");
        var endpoint = await EnsureEndpointAsync(output, cancellationToken);
        await output.WriteLineAsync(endpoint.Secret is { } secret
            ? $"STRIPE_WEBHOOK_SECRET={secret}"
            : $"# STRIPE_WEBHOOK_SECRET stays as it is: Stripe tells it once, when the endpoint is made. The dashboard shows it at {endpoint.Id}.");
        return 0;
    }

    private string? Refusal()
    {
        if (server.PublicUrl is not { } url)
            return "PYRESOLVE_PUBLIC_URL is not set. Set it to where Stripe reaches this server, such as https://api.example.com.";
        return options.IsLive && (url.IsLoopback || url.Scheme != Uri.UriSchemeHttps)
            ? "PYRESOLVE_PUBLIC_URL is no https address that Stripe can reach, and the key is a live one. Set it to the server's public address, or use a test key."
            : null;
    }

    private async Task<StripeWebhookEndpoint> EnsureEndpointAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var ours = (await stripe.ListWebhookEndpointsAsync(cancellationToken)).Where(endpoint => endpoint.Url == links.Webhooks).ToList();
        if (ours.Find(endpoint => endpoint.ApiVersion == options.ApiVersion && endpoint.Status == "enabled") is { } endpoint)
        {
            // Somebody may have asked for more in the dashboard.
            return StripeEvents.Subscribed.All(type => Receives(endpoint, type))
                ? endpoint
                : await stripe.UpdateWebhookEndpointAsync(endpoint.Id, [.. (endpoint.EnabledEvents ?? []).Union(StripeEvents.Subscribed)], cancellationToken);
        }

        foreach (var old in ours)
            await output.WriteLineAsync($"# {old.Id} is disabled or of API version {old.ApiVersion}: a new endpoint takes its place. Delete the old one in the dashboard once the new secret is set.");
        return await stripe.CreateWebhookEndpointAsync(links.Webhooks, StripeEvents.Subscribed, cancellationToken);
    }

    public static bool Receives(StripeWebhookEndpoint endpoint, string type) => endpoint.EnabledEvents?.Any(enabled => enabled == type || enabled == "*") == true;

    private static async Task<int> RefuseAsync(string reason)
    {
        await Console.Error.WriteLineAsync(reason);
        return 2;
    }
}
