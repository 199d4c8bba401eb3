using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;
using static PyResolve.StripeSimulator.Pages.CommandForms;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>The subscriptions on the home page, with what can happen to each.</summary>
internal static class SubscriptionViews
{
    private static readonly (string, string)[] Cards =
    [
        ("works", "Card works"),
        ("declined", "Card is declined"),
        ("fails_on_renewal", "Fails on renewal"),
        ("settles_later", "Bank debit"),
        ("bounces_later", "Bank debit that bounces"),
        ("none", "No card"),
    ];

    public static Html List(StripeState state)
    {
        var subscriptions = state.Subscriptions.NewestFirst.ToList();
        return subscriptions.Count == 0
            ? Html.Of($"<p>No subscriptions yet.</p>")
            : Html.Join(subscriptions.Select(subscription => One(state, subscription)));
    }

    private static Html One(StripeState state, Subscription subscription)
    {
        var customer = state.Customers.Get(subscription.CustomerId);
        return $"""
            <article>
            <p class="plan">
            <strong>{DisplayText.ProductOf(state, subscription.Items[0].Price)}</strong>
            <span class="status">{DisplayText.Status(subscription)}</span>
            {(subscription.Pause is null ? null : Html.Of($"""<span class="status">payments paused</span>"""))}
            </p>
            <p>{customer.Email ?? customer.Id}<small>{subscription.Id}</small><small>{DisplayText.Future(subscription)}</small></p>
            {(subscription.IsEnded ? null : Actions(subscription))}
            {(subscription.IsEnded ? null : More(state, subscription))}
            </article>
            """;
    }

    private static Html Actions(Subscription subscription)
    {
        var path = $"subscriptions/{subscription.Id}";
        var isOwing = subscription.Status is "past_due" or "unpaid" or "incomplete";
        return $"""
            <div class="actions">
            {(subscription.Status == "trialing" ? Button($"{path}/end-trial", "End trial") : null)}
            {(isOwing ? Button($"{path}/recover-payment", "Pay open invoices") : Button($"{path}/fail-payment", "Fail a payment"))}
            {Button($"{path}/cancel", "Cancel now")}
            </div>
            """;
    }

    private static Html More(StripeState state, Subscription subscription)
    {
        var path = $"subscriptions/{subscription.Id}";
        var others = state.Prices.All.Where(price => price is { IsActive: true, Recurring.IsMetered: false }
            && price.Currency == subscription.Currency && price.Id != subscription.Items[0].Price.Id
            && SubscriptionChanges.HaveOneInterval([price, .. subscription.Items.Skip(1).Select(static item => item.Price)]));
        var prices = others
            .Select(price => (price.Id, $"{DisplayText.ProductOf(state, price)}, {DisplayText.PriceOf(price)}"))
            .ToList();
        return $"""
            <details>
            <summary>More</summary>
            <div class="actions">
            {(subscription.CancelAt is null
                ? Button($"{path}/cancel-at-period-end", "Cancel at the period's end", ("portal", "true"))
                : Button($"{path}/resume", "Keep the plan"))}
            {(subscription.Pause is null
                ? Button($"{path}/set", "Pause payments", ("pause_collection", "void"))
                : Button($"{path}/set", "Take payments again", ("pause_collection", "")))}
            {Button($"{path}/dispute", "Dispute the last payment")}
            {Button($"{path}/refund", "Refund the last payment")}
            {Button($"{path}/cancel", "Cancel without an event", ("silent", "true"))}
            </div>
            {(prices.Count == 0 ? null : Choice($"{path}/switch", "Switch plan", "New plan", "price", prices))}
            {Choice($"customers/{subscription.CustomerId}/card", "Use card", "Card", "card", Cards)}
            <div class="actions">{Button($"customers/{subscription.CustomerId}/delete", "Delete the customer")}</div>
            </details>
            """;
    }
}
