namespace PyResolve.Server.Tests.Billing;

/// <summary>Three plans that have nothing of the default: one without payment, one by seat with a trial, one without a limit.</summary>
internal static class OwnCatalogue
{
    public static IReadOnlyDictionary<string, string?> Settings { get; } = new Dictionary<string, string?>
    {
        ["PyResolve:Plans:hobby:Order"] = "1",
        ["PyResolve:Plans:hobby:WithoutPayment"] = "true",
        ["PyResolve:Plans:hobby:MigrationsLimit"] = "10",
        ["PyResolve:Plans:team:Order"] = "2",
        ["PyResolve:Plans:team:Title"] = "Team",
        ["PyResolve:Plans:team:Description"] = "For people who work together.",
        ["PyResolve:Plans:team:Features:0"] = "Support by email",
        ["PyResolve:Plans:team:Features:1"] = "Shared history",
        ["PyResolve:Plans:team:MigrationsLimit"] = "100",
        ["PyResolve:Plans:team:PerSeat"] = "true",
        ["PyResolve:Plans:team:Tiers"] = "tier1,tier2",
        ["PyResolve:Plans:team:TrialDays"] = "14",
        ["PyResolve:Plans:team:TrialNeedsCard"] = "false",
        ["PyResolve:Plans:team:Prices:month:Amount"] = "1500",
        ["PyResolve:Plans:team:Prices:month:Currency"] = "eur",
        ["PyResolve:Plans:team:Prices:year:Amount"] = "15000",
        ["PyResolve:Plans:team:Prices:year:Currency"] = "eur",
        ["PyResolve:Plans:scale:Order"] = "3",
        ["PyResolve:Plans:scale:MigrationsLimit"] = "unlimited",
        ["PyResolve:Plans:scale:Prices:month:Amount"] = "9900",
        ["PyResolve:Plans:scale:Prices:month:Currency"] = "eur",
    };

    /// <summary>With prices at the Stripe in memory.</summary>
    public static IReadOnlyDictionary<string, string?> SettingsForSale { get; } = new Dictionary<string, string?>(Settings)
    {
        ["STRIPE_PRICE_PRO"] = null,
        ["STRIPE_PRICE_UNLIMITED"] = null,
        ["STRIPE_PRICE_TEAM"] = "price_team",
        ["STRIPE_PRICE_TEAM_YEAR"] = "price_team_year",
        ["STRIPE_PRICE_SCALE"] = "price_scale",
    };
}
