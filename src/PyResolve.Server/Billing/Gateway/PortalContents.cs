using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>What differs between the portal configurations that <c>stripe setup</c> makes.</summary>
/// <param name="Headline">The product's name.</param>
/// <param name="ReturnUrl">Where the portal leads back to.</param>
/// <param name="ChangesDetails">Whether customers correct their name, address and tax id: the tax depends on them.</param>
/// <param name="Products">In the order in which they are shown.</param>
internal sealed record PortalContents(string Headline, string ReturnUrl, bool ChangesDetails, IReadOnlyList<PortalProduct> Products)
{
    /// <summary>The metadata of a configuration that says what setup made it from.</summary>
    public const string MarkKey = "made_by";

    /// <summary>The most products that Stripe allows.</summary>
    public const int MaxProducts = 10;

    /// <summary>The version of what every configuration has. The first made downgrades at once.</summary>
    private const string Kind = "pyresolve/3";

    /// <summary>Whether customers change the number of seats of some plan.</summary>
    public bool ChangesSeats => Products.Any(static product => product.HasSeats);

    /// <summary>A digest of the contents, because Stripe takes at most 500 characters.</summary>
    public string Mark => $"{Kind} sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Describe())))}";

    public static PortalContents Of(IEnumerable<StripePrice> prices, string returnUrl, BillingOptions options) => new(
        options.ProductName,
        returnUrl,
        options.Checkout is { AutomaticTax: true } or { TaxIds: true },
        [
            .. prices.GroupBy(static price => price.Product ?? "").Select(product => new PortalProduct(
                product.Key,
                [.. product.Select(static price => price.Id)],
                product.Any(price => price.LookupKey is { } key && options.SeatPrices.Contains(key)))),
        ]);

    public static bool IsMadeBySetup(StripePortalConfiguration configuration) =>
        configuration.Metadata?.GetValueOrDefault(MarkKey)?.StartsWith("pyresolve", StringComparison.Ordinal) == true;

    /// <summary>Whether a configuration was made from just this.</summary>
    public bool IsIn(StripePortalConfiguration configuration) => configuration.Metadata?.GetValueOrDefault(MarkKey) == Mark;

    /// <summary>Writes the contents, a line for each value; no value can pass for two lines.</summary>
    private string Describe()
    {
        var text = new StringBuilder();
        Add("headline", Headline);
        Add("return_url", ReturnUrl);
        Add("details", ChangesDetails ? "yes" : "no");
        foreach (var product in Products)
        {
            Add("product", product.Id);
            Add("seats", product.HasSeats ? Plan.MaxSeatsSold.ToString(CultureInfo.InvariantCulture) : "no");
            foreach (var price in product.Prices)
                Add("price", price);
        }

        return text.ToString();

        void Add(string name, string value) => text.Append(name).Append('=').Append(Uri.EscapeDataString(value)).Append('\n');
    }
}

/// <param name="Id">Of the product at Stripe.</param>
/// <param name="Prices">Among which customers choose.</param>
/// <param name="HasSeats">Whether customers change their number.</param>
internal sealed record PortalProduct(string Id, IReadOnlyList<string> Prices, bool HasSeats);
