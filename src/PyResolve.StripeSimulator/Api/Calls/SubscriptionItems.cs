using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary><c>items</c> of an update. An item with an id changes that item; one without an id is added. A plan change that forgets the id
/// therefore bills two plans.</summary>
internal static class SubscriptionItems
{
    public static IReadOnlyList<SubscriptionItem> Read(ApiCall call, Subscription subscription, string path = "items")
    {
        var items = subscription.Items.ToList();
        foreach (var wanted in call.Form.Elements(path))
        {
            if (wanted.Text("id") is not { } id)
            {
                items.Add(Added(call, subscription, wanted));
                continue;
            }

            var index = items.FindIndex(item => item.Id == id);
            if (index < 0)
                throw ApiErrorException.Missing("subscription item", id, $"{wanted.Name}[id]");
            if (wanted.Is("deleted"))
                items.RemoveAt(index);
            else
                items[index] = Changed(call, items[index], wanted);
        }

        if (items.Count == 0)
            throw ApiErrorException.Invalid("A subscription must have at least one active item. To end it, cancel it.", path);
        RequireOneInterval(items.Select(static item => item.Price), subscription.BillingMode, path);
        return items;
    }

    /// <summary>A price of a new item.</summary>
    public static Price RequirePrice(ApiCall call, Form wanted) =>
        PriceOf(call, wanted) ?? throw ApiErrorException.MissingParameter($"{wanted.Name}[price]");

    public static void RequireOneInterval(IEnumerable<Price> prices, string billingMode, string param)
    {
        if (SubscriptionChanges.HaveOneInterval(prices))
            return;
        throw ApiErrorException.Invalid(
            billingMode == "flexible"
                ? "The simulator does not have prices of different intervals in one subscription. Stripe may."
                : "Currency and interval fields must match across all plans on this subscription. Found mismatch in interval field.",
            param);
    }

    private static SubscriptionItem Added(ApiCall call, Subscription subscription, Form wanted)
    {
        var price = RequirePrice(call, wanted);
        if (subscription.Items.Exists(item => item.Price.Id == price.Id))
            throw ApiErrorException.Invalid(
                $"Cannot add multiple subscription items with the same price: {price.Id}", $"{wanted.Name}[price]");
        var now = call.State.NowOn(subscription.TestClockId);
        return SubscriptionCreation.CreateItem(
            call.State, subscription.Id, price, Quantities.Read(wanted), now, price.Recurring!.After(now));
    }

    private static SubscriptionItem Changed(ApiCall call, SubscriptionItem item, Form wanted) => new()
    {
        Id = item.Id,
        Created = item.Created,
        SubscriptionId = item.SubscriptionId,
        Price = PriceOf(call, wanted) ?? item.Price,
        Quantity = wanted.Has("quantity") ? Quantities.Read(wanted) : item.Quantity,
        PeriodStart = item.PeriodStart,
        PeriodEnd = item.PeriodEnd,
        UsageFrom = item.UsageFrom,
        Metadata = wanted.Merge("metadata", item.Metadata),
    };

    private static Price? PriceOf(ApiCall call, Form wanted)
    {
        if (wanted.Text("price") is not { } id)
            return null;
        var param = $"{wanted.Name}[price]";
        var price = ApiCall.GetByParameter(call.State.Prices, "price", id, param);
        return price is { IsActive: true, Recurring: not null }
            ? price
            : throw ApiErrorException.Invalid("The price specified is inactive or not recurring.", param);
    }
}
