using PyResolve.Client;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using Stripe;

namespace PyResolve.Server.Billing.Settings;

internal sealed class BillingOptions
{
    public static string PinnedApiVersion => StripeConfiguration.ApiVersion;

    private const int LiveRequestsPerSecond = 80;
    private const int TestRequestsPerSecond = 20;

    private static readonly Uri DefaultApiBase = new("https://api.stripe.com");

    /// <summary><c>STRIPE_SECRET_KEY</c>. Without it nothing is sold, and everything else works.</summary>
    public string? SecretKey { get; private init; }

    /// <summary><c>STRIPE_WEBHOOK_SECRET</c>: several while a secret is rotated.</summary>
    public required IReadOnlyList<string> WebhookSecrets { get; init; }

    /// <summary><c>STRIPE_PRICE_PRO</c>, <c>STRIPE_PRICE_UNLIMITED</c>, and so on: Stripe's id of each price of the catalogue.</summary>
    public required IReadOnlyList<SoldPrice> Prices { get; init; }

    /// <summary>The prices of credits and of overage.</summary>
    public IReadOnlyList<SoldPrice> OtherPrices { get; private init; } = [];

    /// <summary>The name that Stripe's products and pages begin with.</summary>
    public required string ProductName { get; init; }

    /// <summary>The lookup keys of prices that are for a seat; customers may change how many they pay for.</summary>
    public IReadOnlySet<string> SeatPrices { get; private init; } = new HashSet<string>();

    /// <summary>Whether a plan has overage, which is reported to Stripe's meters.</summary>
    public bool SellsOverage { get; private init; }

    /// <summary>Whether a plan draws on credits: some may have been bought, also of packs that are no longer sold.</summary>
    public bool HasCredits { get; private init; }

    public required Uri ApiBase { get; init; }

    /// <summary><c>STRIPE_PORTAL_CONFIGURATION</c>: the id of the customer portal's configuration; default the account's own.</summary>
    public string? PortalConfiguration { get; private init; }

    /// <summary><c>PyResolve:Stripe:GraceDays</c>: how long a plan lasts after a failed payment, 0 to 60 days; default 7.</summary>
    public TimeSpan Grace { get; private init; }

    /// <summary>
    /// <c>PyResolve:Stripe:UnknownPriceDays</c>: how long a subscription keeps its plan after its price was replaced by one without a plan,
    /// 0 to 365 days; default 30.
    /// </summary>
    public TimeSpan UnknownPriceTime { get; private init; }

    /// <summary><c>PyResolve:Stripe:DisputeEndsPlan</c>: whether a disputed payment ends the plan until the dispute is won.</summary>
    public bool DisputeEndsPlan { get; private init; }

    /// <summary><c>PyResolve:Stripe:EventsMinutes</c>: how often to look for missed events, 1 to 1,440; default 60.</summary>
    public TimeSpan EventsInterval { get; private init; }

    /// <summary>
    /// <c>PyResolve:Stripe:RequestsPerSecond</c>: the most calls to Stripe within any second, 2 to 10,000; default 20 with a test key,
    /// whose limit at Stripe is 25, and else 80, where it is 100.
    /// </summary>
    public int RequestsPerSecond { get; private init; }

    /// <summary>What the checkout page offers, and how products are taxed.</summary>
    public CheckoutOptions Checkout { get; private init; } = CheckoutOptions.Default;

    /// <summary><c>PyResolve:Stripe:SuccessUrl</c>, <c>:CancelUrl</c>, <c>:ReturnUrl</c>; default the page <c>/billing</c>.</summary>
    public Uri? SuccessUrl { get; private init; }

    public Uri? CancelUrl { get; private init; }

    public Uri? ReturnUrl { get; private init; }

    public bool IsConfigured => SecretKey is not null;

    public bool IsLive => IsLiveKey(SecretKey);

    /// <summary>Whether the key may do only what was chosen for it in the dashboard.</summary>
    public bool IsRestricted => SecretKey?.StartsWith("rk_", StringComparison.Ordinal) == true;

    /// <summary>The mode of Stripe: one of <see cref="BillingOrigins"/>. Rows of one origin have no effect under another.</summary>
    public string Origin => IsLive ? BillingOrigins.Live : Loopback.Is(ApiBase) ? BillingOrigins.Local : BillingOrigins.Test;

    public static BillingOptions Read(IConfiguration configuration)
    {
        var apiBase = ServerOptions.Url(configuration, "STRIPE_API_BASE") ?? DefaultApiBase;
        if (apiBase.Scheme != Uri.UriSchemeHttps && !Loopback.Is(apiBase))
        {
            throw new InvalidConfigurationException(
                "STRIPE_API_BASE is plain http to another machine, which would send the secret key unencrypted. "
                + "Use https, or an address of this machine.");
        }

        var secretKey = ReadKey(configuration, apiBase);
        var plans = new PlanCatalog(configuration);
        var isTest = !Loopback.Is(apiBase) && !IsLiveKey(secretKey);
        return new BillingOptions
        {
            SecretKey = secretKey,
            RequestsPerSecond = ServerOptions.Number(
                configuration, "PyResolve:Stripe:RequestsPerSecond", isTest ? TestRequestsPerSecond : LiveRequestsPerSecond, 2, 10_000),
            WebhookSecrets = [.. List(configuration, "STRIPE_WEBHOOK_SECRET")],
            Prices = ReadPrices(configuration, plans.Prices),
            OtherPrices = ReadPrices(configuration, plans.OtherPrices),
            ProductName = ProductOptions.Read(configuration).Name,
            SeatPrices = plans.Sold.Where(static plan => plan.PerSeat)
                .SelectMany(static plan => plan.Prices)
                .Select(static price => price.LookupKey)
                .ToHashSet(StringComparer.Ordinal),
            SellsOverage = plans.HasOverage,
            HasCredits = plans.HasCredits,
            ApiBase = apiBase,
            PortalConfiguration = ServerOptions.Text(configuration, "STRIPE_PORTAL_CONFIGURATION"),
            Grace = TimeSpan.FromDays(ServerOptions.Number(configuration, "PyResolve:Stripe:GraceDays", 7, 0, 60)),
            UnknownPriceTime = TimeSpan.FromDays(ServerOptions.Number(configuration, "PyResolve:Stripe:UnknownPriceDays", 30, 0, 365)),
            DisputeEndsPlan = ServerOptions.Flag(configuration, "PyResolve:Stripe:DisputeEndsPlan", fallback: false),
            EventsInterval = TimeSpan.FromMinutes(ServerOptions.Number(configuration, "PyResolve:Stripe:EventsMinutes", 60, 1, 1_440)),
            Checkout = CheckoutOptions.Read(configuration),
            SuccessUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:SuccessUrl"),
            CancelUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:CancelUrl"),
            ReturnUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:ReturnUrl"),
        };
    }

    /// <summary>Stripe's id of a price; null: it is not set.</summary>
    public string? IdOf(CatalogPrice price) =>
        Prices.Concat(OtherPrices).FirstOrDefault(sold => sold.Price.Variable == price.Variable)?.Id;

    private static List<SoldPrice> ReadPrices(IConfiguration configuration, IEnumerable<CatalogPrice> sold)
    {
        var prices = new List<SoldPrice>();
        foreach (var price in sold)
        {
            if (ServerOptions.Text(configuration, price.Variable) is not { } id)
                continue;
            if (prices.Find(other => other.Id == id) is { } same)
            {
                throw new InvalidConfigurationException(
                    $"{price.Variable} and {same.Price.Variable} name the same price. Give each plan its own.");
            }

            prices.Add(new SoldPrice(price, id));
        }

        return prices;
    }

    private static string? ReadKey(IConfiguration configuration, Uri apiBase)
    {
        const string Name = "STRIPE_SECRET_KEY";
        if (ServerOptions.Text(configuration, Name) is not { } key)
            return null;
        // The messages never contain the key.
        if (key.Any(static character => char.IsWhiteSpace(character) || char.IsControl(character) || character > '~'))
        {
            throw new InvalidConfigurationException(
                $"{Name} contains a space or another character that no key has. "
                + "Copy it again from the Stripe dashboard (Developers, API keys).");
        }

        if (key.StartsWith("pk_", StringComparison.Ordinal))
            throw new InvalidConfigurationException($"{Name} is a publishable key. Use the secret one, which begins with sk_.");
        if (!Loopback.Is(apiBase) && !key.StartsWith("sk_", StringComparison.Ordinal) && !key.StartsWith("rk_", StringComparison.Ordinal))
        {
            throw new InvalidConfigurationException(
                $"{Name} is not a secret key of Stripe: those begin with sk_live_, sk_test_, rk_live_ or rk_test_.");
        }

        return key;
    }

    private static bool IsLiveKey(string? key) =>
        key is not null && (key.StartsWith("sk_live_", StringComparison.Ordinal) || key.StartsWith("rk_live_", StringComparison.Ordinal));

    private static string[] List(IConfiguration configuration, string name) =>
        (configuration[name] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A price of the catalogue, and its id at Stripe.</summary>
internal sealed record SoldPrice(CatalogPrice Price, string Id);

/// <summary>Which Stripe a customer, an event or a granted plan belongs to: live mode, test mode, or a simulator on this machine.</summary>
internal static class BillingOrigins
{
    public const string Live = "live";
    public const string Test = "test";
    public const string Local = "local";

    /// <summary>
    /// Whether a granted plan counts for nothing here. A plan paid for in live mode always counts: a developer's server on the same
    /// database must not end it.
    /// </summary>
    public static bool IsVoid(string origin, string? current) => current is null ? origin == Local : origin != current && origin != Live;
}
