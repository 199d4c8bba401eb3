using Stripe;
using Stripe.Checkout;

namespace PyResolve.StripeSimulator.Tests.Drivers;

/// <summary>A simulator with two plans, a stopped clock, and a client of its API.</summary>
internal sealed class Stage : IAsyncDisposable
{
    private readonly HttpClient _http = new();

    private Stage(StripeSimulatorHost host, TestClock clock)
    {
        Host = host;
        Clock = clock;
        Api = new StripeCaller(host.Address);
        Stripe = new StripeClient(new StripeClientOptions
        {
            ApiKey = host.SecretKey,
            ApiBase = host.Address.GetLeftPart(UriPartial.Authority),
            HttpClient = new SystemNetHttpClient(_http, maxNetworkRetries: 0, enableTelemetry: false),
        }).V1;
        Pro = Simulation.AddPrice("PyResolve Pro", 1900, lookupKey: "pro");
        Unlimited = Simulation.AddPrice("PyResolve Unlimited", 9900, lookupKey: "unlimited");
    }

    public StripeSimulatorHost Host { get; }

    public TestClock Clock { get; }

    /// <summary>Stripe.net, as the server uses it; it never retries here.</summary>
    public V1Services Stripe { get; }

    /// <summary>Plain HTTP: for requests that Stripe.net does not send, and for the exact form of answers.</summary>
    public StripeCaller Api { get; }

    public Simulation Simulation => Host.Simulation;

    public string Pro { get; }

    public string Unlimited { get; }

    public static async Task<Stage> SetAsync(Func<StripeSimulatorOptions, StripeSimulatorOptions>? configure = null)
    {
        var clock = new TestClock();
        var options = new StripeSimulatorOptions { TimeProvider = clock };
        return new Stage(await StripeSimulatorHost.StartAsync(configure?.Invoke(options) ?? options), clock);
    }

    /// <summary>Registers an endpoint for all events.</summary>
    public async Task<(WebhookReceiver Receiver, string Secret)> ListenAsync(params string[] types)
    {
        var receiver = await WebhookReceiver.StartAsync();
        return (receiver, Simulation.AddWebhookEndpoint(receiver.Url, enabledEvents: types));
    }

    public string CheckoutForm(string? customer = null) =>
        $"mode=subscription&line_items[0][price]={Pro}&line_items[0][quantity]=1&success_url=http://localhost/ok?s={{CHECKOUT_SESSION_ID}}"
        + (customer is null ? "" : $"&customer={customer}");

    public SessionCreateOptions Checkout(string? customer = null) => new()
    {
        Mode = "subscription",
        Customer = customer,
        LineItems = [new() { Price = Pro, Quantity = 1 }],
        SuccessUrl = "http://localhost/ok?s={CHECKOUT_SESSION_ID}",
    };

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        _http.Dispose();
        await Host.DisposeAsync();
    }
}
