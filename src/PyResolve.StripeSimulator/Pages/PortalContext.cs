using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal sealed class PortalContext(StripeState state, PortalSession session, Customer customer, string? subscriptionId)
{
    public StripeState State => state;

    public PortalSession Session => session;

    public Customer Customer => customer;

    public PortalFeatures Features { get; } = state.PortalConfigurations.Get(session.ConfigurationId).Features;

    public IReadOnlyList<Subscription> Subscriptions { get; } =
        [.. state.Subscriptions.NewestFirst.Where(subscription => subscription.CustomerId == customer.Id && !subscription.IsEnded)];

    /// <summary>The subscription of the query or of the flow; else the newest one.</summary>
    public Subscription? Subscription =>
        Subscriptions.FirstOrDefault(subscription => subscription.Id == (subscriptionId ?? session.Flow?.SubscriptionId))
        ?? (Subscriptions is [var newest, ..] ? newest : null);

    public string? FlowAction => session.Flow?.Type switch
    {
        "payment_method_update" => "card",
        "subscription_cancel" => "cancel",
        "subscription_update" or "subscription_update_confirm" => "plan",
        _ => null,
    };

    /// <summary>Stripe's portal changes no subscription of several prices, and none that bills what is used.</summary>
    public bool CanSwitch(Subscription subscription) =>
        Features.CanUpdateSubscription && subscription.Items is [{ Price.Recurring.IsMetered: false }];

    public string Path(string action = "", Subscription? about = null) =>
        $"/p/session/{session.Id}{(action.Length == 0 ? "" : "/" + action)}{(about is null ? "" : $"?subscription={about.Id}")}";

    /// <summary>Also the present one, where the number of seats can be changed.</summary>
    public IEnumerable<Price> PricesFor(Subscription subscription) => state.Prices.All.Where(price =>
        price is { IsActive: true, Recurring.IsMetered: false } && price.Currency == subscription.Currency
            && (subscription.Items[0].Price.Id == price.Id ? Features.SeatsOf(price.Id) is not null : Features.AllowsPrice(price.Id)));
}
