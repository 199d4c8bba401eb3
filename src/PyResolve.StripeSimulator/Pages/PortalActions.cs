using System.Globalization;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Pages;

internal static class PortalActions
{
    public static Page Act(PortalContext portal, string? action, IFormCollection form)
    {
        var features = portal.Features;
        return (action, portal.Subscription) switch
        {
            ("card", _) when features.CanUpdatePaymentMethod => ReplaceCard(portal, form),
            ("plan", { } subscription) when portal.CanSwitch(subscription) => Switch(portal, subscription, form),
            ("keep", { ScheduleId: not null } subscription) when features.CanUpdateSubscription => Keep(portal, subscription),
            ("cancel", { } subscription) when features.CanCancel => Cancel(portal, subscription, form["feedback"]),
            ("resume", { } subscription) when features.CanCancel => Resume(portal, subscription),
            _ => PortalViews.Refusal(portal),
        };
    }

    private static Page ReplaceCard(PortalContext portal, IFormCollection form)
    {
        if (CardChoice.Read(form) is not { } card)
            return PortalViews.Card(portal, "Choose how the card behaves.");
        Customers.ReplaceCard(portal.State, portal.Customer, card);
        return Page.Redirect(portal.Path());
    }

    private static Page Switch(PortalContext portal, Subscription subscription, IFormCollection form)
    {
        if (portal.PricesFor(subscription).FirstOrDefault(price => price.Id == form["price"]) is not { } price)
            return PortalViews.Plan(portal, "Choose a plan.");
        if (ReadQuantity(portal, subscription, price, form["quantity"]) is not { } quantity)
            return PortalViews.Plan(portal, "Choose another number of seats.");
        var items = SubscriptionChanges.WithPrice(subscription, price, quantity);
        if (portal.Features.WaitsForPeriodEnd(subscription.Items[0], items[0]))
        {
            portal.State.Events.Change(subscription, () => Schedules.Set(portal.State, subscription, items[0]));
            return Page.Redirect(portal.Path());
        }

        var endsTrial = subscription.Status == "trialing" && portal.Features.TrialUpdate == "end_trial"
            && (price != subscription.Items[0].Price || quantity != subscription.Items[0].Quantity);
        var isSwitched = endsTrial
            ? EndTrial(portal, subscription, items)
            : SwitchNow(portal, subscription, items);
        return isSwitched ? Page.Redirect(portal.Path()) : PortalViews.Plan(portal, $"{Payments.DeclinedMessage} The plan stays as it is.");
    }

    private static bool SwitchNow(PortalContext portal, Subscription subscription, IReadOnlyList<SubscriptionItem> items)
    {
        var isSwitched = false;
        portal.State.Events.Change(subscription, () =>
        {
            isSwitched = SubscriptionChanges.ReplaceItems(
                portal.State, subscription, items, new ChangeTerms(portal.Features.Proration, "error_if_incomplete"));
            if (isSwitched)
                Schedules.Release(portal.State, subscription);
        });
        return isSwitched;
    }

    /// <summary>The first period of the new plan begins now, and is paid now.</summary>
    private static bool EndTrial(PortalContext portal, Subscription subscription, IReadOnlyList<SubscriptionItem> items)
    {
        if (items.Sum(static item => item.Amount) > 0 && !Payments.CanPay(portal.Customer, isRenewal: true))
            return false;
        Renewals.EndTrial(portal.State, subscription, items);
        return true;
    }

    /// <summary>Of a plan without seats, the quantity stays what it is.</summary>
    /// <returns>null where it is not allowed.</returns>
    private static long? ReadQuantity(PortalContext portal, Subscription subscription, Price price, string? text)
    {
        var before = subscription.Items[0].Quantity;
        if (string.IsNullOrEmpty(text) || portal.Features.SeatsOf(price.Id) is not { } seats)
            return before;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var quantity) && seats.Contains(quantity)
            ? quantity
            : null;
    }

    private static Page Keep(PortalContext portal, Subscription subscription)
    {
        portal.State.Events.Change(subscription, () => Schedules.Release(portal.State, subscription));
        return Page.Redirect(portal.Path());
    }

    private static Page Cancel(PortalContext portal, Subscription subscription, string? feedback)
    {
        var features = portal.Features;
        if (features.AsksCancelReason && features.CancelReasons.Contains(feedback, StringComparer.Ordinal))
            subscription.CancellationFeedback = feedback;
        if (features.CancelMode == "immediately")
        {
            if (features.CancelProration == "create_prorations")
                Cancellation.CreditRest(portal.State, subscription);
            Cancellation.CancelNow(portal.State, subscription, Cancellation.Requested);
        }
        else
        {
            portal.State.Events.Change(subscription, () =>
            {
                Schedules.Release(portal.State, subscription);
                Cancellation.ScheduleInPortal(subscription, portal.State.NowOn(subscription.TestClockId));
            });
        }

        return Page.Redirect(portal.Path());
    }

    private static Page Resume(PortalContext portal, Subscription subscription)
    {
        portal.State.Events.Change(subscription, () => Cancellation.Undo(subscription));
        return Page.Redirect(portal.Path());
    }
}
