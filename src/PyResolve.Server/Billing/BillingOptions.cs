using System.Globalization;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing;

/// <summary>What the operator says about Stripe. Read once at start; what is wrong stops the start with a message that names the mend.</summary>
internal sealed class BillingOptions
{
    /// <summary>The version of Stripe's API that this server is written for.</summary>
    public const string PinnedApiVersion = "2026-07-29.dahlia";

    private static readonly Uri Stripe = new("https://api.stripe.com");

    /// <summary><c>STRIPE_SECRET_KEY</c>. Absent: nothing is sold here, and all else works.</summary>
    public string? SecretKey { get; private init; }

    /// <summary><c>STRIPE_WEBHOOK_SECRET</c>: several while one replaces another.</summary>
    public required IReadOnlyList<string> WebhookSecrets { get; init; }

    /// <summary><c>STRIPE_PRICE_PRO</c>, <c>STRIPE_PRICE_UNLIMITED</c>: what is sold, by plan.</summary>
    public required IReadOnlyDictionary<string, string> Prices { get; init; }

    /// <summary><c>STRIPE_API_BASE</c>; default <c>https://api.stripe.com</c>.</summary>
    public required Uri ApiBase { get; init; }

    /// <summary><c>PyResolve:Stripe:ApiVersion</c>.</summary>
    public required string ApiVersion { get; init; }

    /// <summary><c>STRIPE_PORTAL_CONFIGURATION</c>: which of the portal's configurations; default the account's own.</summary>
    public string? PortalConfiguration { get; private init; }

    /// <summary><c>PyResolve:Stripe:GraceDays</c>: how long a plan outlives a payment that failed, 0 to 60 days; default 7.</summary>
    public TimeSpan Grace { get; private init; }

    /// <summary><c>PyResolve:Stripe:DisputeEndsPlan</c>: whether a disputed payment ends the plan until it is won; default no.</summary>
    public bool DisputeEndsPlan { get; private init; }

    /// <summary><c>PyResolve:Stripe:EventsMinutes</c>: how often missed events are looked for, 1 to 1,440; default 60.</summary>
    public TimeSpan EventsInterval { get; private init; }

    /// <summary><c>PyResolve:Stripe:SuccessUrl</c>, <c>:CancelUrl</c>, <c>:ReturnUrl</c>: where people come back to; default the page <c>/billing</c>.</summary>
    public Uri? SuccessUrl { get; private init; }

    public Uri? CancelUrl { get; private init; }

    public Uri? ReturnUrl { get; private init; }

    public bool IsConfigured => SecretKey is not null;

    /// <summary>Whether real money moves.</summary>
    public bool IsLive => IsLiveKey(SecretKey);

    /// <summary>
    /// Which Stripe: <c>live</c>, <c>test</c>, or <c>local</c> for one on this machine. What one of them grants counts for nothing under another.
    /// </summary>
    public string Origin => IsLive ? BillingOrigins.Live : ApiBase.IsLoopback ? BillingOrigins.Local : BillingOrigins.Test;

    public static BillingOptions Read(IConfiguration configuration)
    {
        var apiBase = ServerOptions.Url(configuration, "STRIPE_API_BASE") ?? Stripe;
        if (apiBase.Scheme != Uri.UriSchemeHttps && !apiBase.IsLoopback)
            throw new InvalidConfigurationException("STRIPE_API_BASE is plain http to another machine: the secret key would travel in the clear. Use https, or an address of this machine.");
        return new BillingOptions
        {
            SecretKey = ReadKey(configuration, apiBase),
            WebhookSecrets = [.. List(configuration, "STRIPE_WEBHOOK_SECRET")],
            Prices = ReadPrices(configuration),
            ApiBase = apiBase,
            ApiVersion = ServerOptions.Text(configuration, "PyResolve:Stripe:ApiVersion") ?? PinnedApiVersion,
            PortalConfiguration = ServerOptions.Text(configuration, "STRIPE_PORTAL_CONFIGURATION"),
            Grace = TimeSpan.FromDays(ServerOptions.Number(configuration, "PyResolve:Stripe:GraceDays", 7, 0, 60)),
            DisputeEndsPlan = Flag(configuration, "PyResolve:Stripe:DisputeEndsPlan"),
            EventsInterval = TimeSpan.FromMinutes(ServerOptions.Number(configuration, "PyResolve:Stripe:EventsMinutes", 60, 1, 1_440)),
            SuccessUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:SuccessUrl"),
            CancelUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:CancelUrl"),
            ReturnUrl = ServerOptions.Url(configuration, "PyResolve:Stripe:ReturnUrl"),
        };
    }

    /// <summary>The variable that names a plan's price, such as <c>STRIPE_PRICE_PRO</c>.</summary>
    public static string PriceVariable(string plan) => $"STRIPE_PRICE_{plan.ToUpper(CultureInfo.InvariantCulture)}";

    private static Dictionary<string, string> ReadPrices(IConfiguration configuration)
    {
        var prices = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var plan in PlanCatalog.Sold)
        {
            if (ServerOptions.Text(configuration, PriceVariable(plan)) is not { } price)
                continue;
            if (prices.FirstOrDefault(other => other.Value == price).Key is { } same)
                throw new InvalidConfigurationException($"{PriceVariable(plan)} and {PriceVariable(same)} name the same price. Give each plan its own.");
            prices[plan] = price;
        }

        return prices;
    }

    private static string? ReadKey(IConfiguration configuration, Uri apiBase)
    {
        const string Name = "STRIPE_SECRET_KEY";
        if (ServerOptions.Text(configuration, Name) is not { } key)
            return null;
        // The messages never quote it.
        if (key.Any(static character => char.IsWhiteSpace(character) || char.IsControl(character) || character > '~'))
            throw new InvalidConfigurationException($"{Name} has a blank or another character that no key has. Copy it anew from the Stripe dashboard (Developers, API keys).");
        if (key.StartsWith("pk_", StringComparison.Ordinal))
            throw new InvalidConfigurationException($"{Name} is a publishable key. Use the secret one, which begins with sk_.");
        if (!apiBase.IsLoopback && !key.StartsWith("sk_", StringComparison.Ordinal) && !key.StartsWith("rk_", StringComparison.Ordinal))
            throw new InvalidConfigurationException($"{Name} is no secret key of Stripe's: those begin with sk_live_, sk_test_, rk_live_ or rk_test_.");
        return key;
    }

    private static bool IsLiveKey(string? key) =>
        key is not null && (key.StartsWith("sk_live_", StringComparison.Ordinal) || key.StartsWith("rk_live_", StringComparison.Ordinal));

    private static bool Flag(IConfiguration configuration, string name) => ServerOptions.Text(configuration, name) switch
    {
        null => false,
        var text when bool.TryParse(text, out var flag) => flag,
        _ => throw new InvalidConfigurationException($"{name} is neither true nor false."),
    };

    private static string[] List(IConfiguration configuration, string name) =>
        (configuration[name] ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>Where a customer, an event or a grant comes from.</summary>
internal static class BillingOrigins
{
    public const string Live = "live";
    public const string Test = "test";
    public const string Local = "local";

    /// <summary>
    /// Whether what <paramref name="granting"/> granted counts for nothing where <paramref name="here"/> sells; <see langword="null"/>: nobody
    /// does. What was paid for with real money always counts: a developer's server on the same database must not take it away.
    /// </summary>
    public static bool IsWorthless(string granting, string? here) => here is null ? granting == Local : granting != here && granting != Live;
}
