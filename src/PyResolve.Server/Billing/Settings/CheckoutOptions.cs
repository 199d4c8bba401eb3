using System.Text.RegularExpressions;
using PyResolve.Client;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Settings;

/// <summary>The settings <c>PyResolve:Stripe</c> of what Stripe's checkout page offers besides the plan.</summary>
internal sealed partial record CheckoutOptions
{
    /// <summary>The tax code of software as a service, for business use.</summary>
    public const string DefaultTaxCode = "txcd_10103001";

    public static readonly CheckoutOptions Default = new();

    /// <summary>Whether Stripe Tax computes the tax, and adds it: <c>:AutomaticTax</c>.</summary>
    public bool AutomaticTax { get; private init; }

    /// <summary>Whether a business may enter its name and tax id: <c>:TaxIds</c>.</summary>
    public bool TaxIds { get; private init; }

    /// <summary>Whether a promotion code may be entered: <c>:PromotionCodes</c>.</summary>
    public bool PromotionCodes { get; private init; }

    /// <summary>Whether Stripe is the seller: <c>:ManagedPayments</c>; null: as the Stripe account is set.</summary>
    public bool? ManagedPayments { get; private init; }

    /// <summary>The language of checkout and portal, such as <c>pt-BR</c>: <c>:Locale</c>; null: the browser's.</summary>
    public string? Locale { get; private init; }

    /// <summary>The kind of product for taxes: <c>:TaxCode</c>.</summary>
    public string TaxCode { get; private init; } = DefaultTaxCode;

    public static CheckoutOptions Read(IConfiguration configuration) => new()
    {
        AutomaticTax = ServerOptions.Flag(configuration, "PyResolve:Stripe:AutomaticTax", fallback: false),
        TaxIds = ServerOptions.Flag(configuration, "PyResolve:Stripe:TaxIds", fallback: false),
        PromotionCodes = ServerOptions.Flag(configuration, "PyResolve:Stripe:PromotionCodes", fallback: false),
        ManagedPayments = ServerOptions.Flag(configuration, "PyResolve:Stripe:ManagedPayments"),
        Locale = Word(configuration, "PyResolve:Stripe:Locale", LocaleForm(), "a language, such as de or pt-BR"),
        TaxCode = Word(configuration, "PyResolve:Stripe:TaxCode", TaxCodeForm(), "a tax code of Stripe's, such as txcd_10103001")
            ?? DefaultTaxCode,
    };

    private static string? Word(IConfiguration configuration, string name, Regex form, string meaning) =>
        ServerOptions.Text(configuration, name) is not { } text ? null
        : form.IsMatch(text) ? text
        : throw new InvalidConfigurationException($"{name} is {ServerOptions.Quote(text)}; it is {meaning}.");

    [GeneratedRegex(
        "^[a-z]{2,3}(-[A-Za-z0-9]{2,4})?$",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex LocaleForm();

    [GeneratedRegex("^txcd_[0-9]{8}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TaxCodeForm();
}
