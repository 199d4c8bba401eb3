using System.Globalization;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>What a customer may choose in the portal. Amounts are for a seat.</summary>
internal sealed record PortalOffer(string Plan, long Amount, string Interval = "month", int Seats = 1)
{
    public long Total => Amount * Seats;

    public bool IsYearly => Interval == "year";

    public (string, string) Price => (Plan, Interval);

    public override string ToString() => Seats == 1 ? $"{Plan} a {Interval}" : $"{Plan} a {Interval} for {Seats}";
}

/// <summary>The simulator, with a portal as this server makes it, and people who use its pages.</summary>
internal sealed class PortalShop : IAsyncDisposable
{
    private const string Landing = "https://back.example";

    private readonly HttpClient _person = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false });
    private readonly Dictionary<(string Plan, string Interval), string> _prices = [];
    private readonly StripeSimulatorHost _host;
    private readonly StripeGateway _stripe;
    private string _configuration = "";

    private PortalShop(StripeSimulatorHost host)
    {
        _host = host;
        _stripe = new StripeGateway(
            BillingOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["STRIPE_SECRET_KEY"] = host.SecretKey,
                ["STRIPE_API_BASE"] = host.Address.ToString(),
                ["PyResolve:Stripe:RequestsPerSecond"] = "10000",
            }).Build()),
            TimeProvider.System);
    }

    public DateTimeOffset Now => _host.Simulation.Now;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<PortalShop> OpenAsync(IReadOnlyList<PortalOffer> offers)
    {
        var shop = new PortalShop(
            await StripeSimulatorHost.StartAsync(new StripeSimulatorOptions { TimeProvider = new TestClock() }, Cancellation));
        var products = new List<PortalProduct>();
        foreach (var offer in offers.DistinctBy(static offer => offer.Price))
        {
            var id = shop._prices[offer.Price] = shop._host.Simulation.AddPrice(offer.Plan, offer.Amount, interval: offer.Interval);
            var price = (await shop._stripe.FindPriceAsync(id, Cancellation))!;
            products.Add(new PortalProduct(price.Product!, [id], HasSeats: offers.Any(static other => other.Seats > 1)));
        }

        var contents = new PortalContents("Shop", Landing, ChangesDetails: false, products);
        shop._configuration = (await shop._stripe.CreatePortalConfigurationAsync(contents, Cancellation)).Id;
        return shop;
    }

    public void AdvanceTo(DateTimeOffset instant) => _host.Simulation.Advance(instant - _host.Simulation.Now);

    /// <returns>The customer, with a card that works.</returns>
    public string Subscribe(PortalOffer offer, int trialDays = 0)
    {
        var customer = _host.Simulation.AddCustomer(card: CardBehaviour.Works);
        _host.Simulation.Subscribe(customer, _prices[offer.Price], trialDays);
        return customer;
    }

    public Task ChooseAsync(string customer, PortalOffer offer) => PostAsync(
        customer, "plan", ("price", _prices[offer.Price]), ("quantity", offer.Seats.ToString(CultureInfo.InvariantCulture)));

    public Task KeepAsync(string customer) => PostAsync(customer, "keep");

    public async Task<(string Price, long? Seats)> ReadItemAsync(string customer)
    {
        var item = (await _stripe.ListSubscriptionsAsync(customer, Cancellation)).Single().Items!.Data.Single();
        return (item.Price!.Id, item.Quantity);
    }

    public (string Price, long? Seats) ItemOf(PortalOffer offer) => (_prices[offer.Price], offer.Seats);

    public async Task<long> ReadPaidAsync(string customer)
    {
        var invoices = await _stripe.ListInvoicesAsync(customer, status: null, after: null, 100, Cancellation);
        invoices!.HasMore.ShouldBeFalse();
        return invoices.Data.Sum(static invoice => invoice.AmountPaid);
    }

    public async ValueTask DisposeAsync()
    {
        _person.Dispose();
        await _host.DisposeAsync();
    }

    private async Task PostAsync(string customer, string action, params (string Name, string Value)[] fields)
    {
        var session = await _stripe.CreatePortalAsync(customer, Landing, _configuration, Cancellation);
        using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await _person.PostAsync(new Uri($"{session.Url}/{action}"), form, Cancellation);
        ((int)answer.StatusCode).ShouldBe(303, await answer.Content.ReadAsStringAsync(Cancellation));
    }
}
