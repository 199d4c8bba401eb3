using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary><c>line_items</c> of a checkout: prices, or prices made for it alone.</summary>
internal static class CheckoutItems
{
    public static IReadOnlyList<LineItem> Read(ApiCall call, string mode)
    {
        var items = call.Form.Elements("line_items").Select(item => ReadOne(call, item)).ToList();
        if (items.Count == 0)
            throw ApiErrorException.MissingParameter("line_items");
        if (mode == "payment")
        {
            return items.TrueForAll(static item => item.Price.Recurring is null)
                ? items
                : throw ApiErrorException.Invalid(
                    "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time "
                    + "prices.",
                    "line_items");
        }

        if (items.TrueForAll(static item => item.Price.Recurring is null))
            throw ApiErrorException.Invalid(
                "You must provide at least one recurring price in `subscription` mode when using prices.", "line_items");
        if (items.Exists(static item => item.Price.Recurring is null))
            throw ApiErrorException.Invalid("The simulator does not have one-time prices beside a subscription. Stripe may.", "line_items");
        var billingMode = BillingModes.Of(call.Form.Text("subscription_data.billing_mode.type"), call.Version);
        SubscriptionItems.RequireOneInterval(items.Select(static item => item.Price), billingMode, "line_items");
        return items;
    }

    private static LineItem ReadOne(ApiCall call, Form item)
    {
        var price = PriceOf(call, item);
        var isMetered = price.Recurring is { IsMetered: true };
        var param = $"{item.Name}[quantity]";
        return (item.Number("quantity"), isMetered) switch
        {
            (null, false) => throw ApiErrorException.MissingParameter(param),
            (not null, true) => throw ApiErrorException.Invalid("Quantity should not be specified where usage_type is `metered`.", param),
            (<= 0, _) => throw ApiErrorException.Invalid("Invalid positive integer", param),
            _ => new LineItem(call.State.Ids.Next("li"), price, Quantities.Read(item)),
        };
    }

    private static Price PriceOf(ApiCall call, Form item)
    {
        if (item.Has("price") == item.Has("price_data"))
            throw item.Has("price")
                ? ApiErrorException.Invalid("You may only specify one of these parameters: price, price_data.", $"{item.Name}[price]")
                : ApiErrorException.MissingParameter($"{item.Name}[price]");
        if (item.Find("price_data") is { } data)
            return CatalogCalls.AddPriceOf(call, data);
        var param = $"{item.Name}[price]";
        var price = ApiCall.GetByParameter(call.State.Prices, "price", item.Text("price")!, param);
        return price.IsActive
            ? price
            : throw ApiErrorException.Invalid("The price specified is inactive. This field only accepts active prices.", param);
    }
}
