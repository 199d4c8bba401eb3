using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Pages;

/// <summary>What a person does in the portal. It allows no more than the session's configuration does.</summary>
internal static class PortalActions
{
    public static Page Act(PortalVisit visit, string? action, IFormCollection form)
    {
        var features = visit.Features;
        return (action, visit.Subscription) switch
        {
            ("card", _) when features.CanUpdatePaymentMethod => ReplaceCard(visit, form),
            ("plan", { } subscription) when features.CanSwitch => Switch(visit, subscription, form),
            ("cancel", { } subscription) when features.CanCancel => Cancel(visit, subscription),
            ("resume", { } subscription) when features.CanCancel => Resume(visit, subscription),
            _ => Page.Gone("Not allowed here", $"""<p>This portal does not offer that.</p><p><a class="button" href="{visit.Path()}">Back</a></p>"""),
        };
    }

    private static Page ReplaceCard(PortalVisit visit, IFormCollection form)
    {
        if (CardChoice.Read(form) is not { } card)
            return PortalViews.Card(visit, "Choose how the card behaves.");
        Customers.ReplaceCard(visit.World, visit.Customer, card);
        return Page.Redirect(visit.Path());
    }

    private static Page Switch(PortalVisit visit, Subscription subscription, IFormCollection form)
    {
        if (visit.PricesFor(subscription).FirstOrDefault(price => price.Id == form["price"]) is not { } price)
            return PortalViews.Plan(visit, "Choose a plan.");
        var isSwitched = false;
        visit.World.Events.Change(subscription, () => isSwitched = SubscriptionChanges.ReplaceItems(
            visit.World,
            subscription,
            SubscriptionChanges.WithPrice(subscription, price),
            new ChangeTerms(visit.Features.Proration, "error_if_incomplete")));
        return isSwitched ? Page.Redirect(visit.Path()) : PortalViews.Plan(visit, $"{Payments.Declined} The plan stays as it is.");
    }

    private static Page Cancel(PortalVisit visit, Subscription subscription)
    {
        if (visit.Features.CancelMode == "immediately")
            Cancelling.Now(visit.World, subscription, Cancelling.Requested);
        else
            visit.World.Events.Change(subscription, () => Cancelling.AtPeriodEndInPortal(subscription, visit.World.NowOn(subscription.TestClockId)));
        return Page.Redirect(visit.Path());
    }

    private static Page Resume(PortalVisit visit, Subscription subscription)
    {
        visit.World.Events.Change(subscription, () => Cancelling.Undo(subscription));
        return Page.Redirect(visit.Path());
    }
}
