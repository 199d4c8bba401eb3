using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>One look at the portal.</summary>
internal sealed class PortalVisit(World world, PortalSession session, Customer customer, string? subscriptionId)
{
    public World World => world;

    public PortalSession Session => session;

    public Customer Customer => customer;

    public PortalFeatures Features { get; } = world.PortalConfigurations.Get(session.ConfigurationId).Features;

    /// <summary>Newest first; what has ended is not shown.</summary>
    public IReadOnlyList<Subscription> Subscriptions { get; } =
        [.. world.Subscriptions.NewestFirst.Where(subscription => subscription.CustomerId == customer.Id && !subscription.IsEnded)];

    /// <summary>The one that is meant: by the address, by the flow, or for want of another.</summary>
    public Subscription? Subscription =>
        Subscriptions.FirstOrDefault(subscription => subscription.Id == (subscriptionId ?? session.Flow?.SubscriptionId))
        ?? (Subscriptions is [var newest, ..] ? newest : null);

    /// <summary>The page that the session was opened for, if any.</summary>
    public string? FlowAction => session.Flow?.Type switch
    {
        "payment_method_update" => "card",
        "subscription_cancel" => "cancel",
        "subscription_update" or "subscription_update_confirm" => "plan",
        _ => null,
    };

    public string Path(string action = "", Subscription? about = null) =>
        $"/p/session/{session.Id}{(action.Length == 0 ? "" : "/" + action)}{(about is null ? "" : $"?subscription={about.Id}")}";

    /// <summary>What a subscription may be switched to.</summary>
    public IEnumerable<Price> PricesFor(Subscription subscription) => world.Prices.All.Where(price =>
        price.IsActive && Features.AllowsPrice(price.Id) && subscription.Items[0].Price.Id != price.Id && price.Currency == subscription.Currency);
}
