using System.Globalization;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class SubscriptionCalls
{
    private const string Kind = "subscription";
    private const long Day = 24 * 60 * 60;

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var customer = call.FindByParameter(state.Customers, "customer", "customer")!;
        var items = form.Elements("items").Select(item => (SubscriptionItems.RequirePrice(call, item), Quantities.Read(item))).ToList();
        if (items.Count == 0)
            throw ApiErrorException.MissingParameter("items");
        var billingMode = BillingModes.Of(form.Text("billing_mode.type"), call.Version);
        SubscriptionItems.RequireOneInterval(items.Select(static item => item.Item1), billingMode, "items");
        var now = state.NowOn(customer.TestClockId);
        var trialEnd = ReadTrialEnd(form, now) ?? (Trials.ReadDays(form, "trial_period_days") is { } days ? now + (days * Day) : null);
        var amount = items.Sum(static item => item.Item1.UnitAmount * item.Item2);
        var paymentBehavior = form.Text("payment_behavior");
        if (paymentBehavior == "pending_if_incomplete")
            throw ApiErrorException.Invalid(
                "`pending_if_incomplete` is only used with updates and cannot be passed when creating a Subscription.", "payment_behavior");
        if (paymentBehavior == "error_if_incomplete" && trialEnd is null && amount > 0
            && !Payments.CanPay(customer, isRenewal: false))
            throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);
        return SubscriptionCreation.Create(state, new NewSubscription(customer, items)
        {
            Metadata = form.Merge("metadata"),
            Description = form.Text("description"),
            TrialEnd = trialEnd,
            MissingPaymentMethod = form.Text("trial_settings.end_behavior.missing_payment_method") ?? "create_invoice",
            BillingMode = billingMode,
            Reductions = CouponCalls.ReadReductions(call, customer.Id),
            HasAutomaticTax = form.Is("automatic_tax.enabled"),
            CancelAtPeriodEnd = form.Is("cancel_at_period_end"),
            CancelAt = form.Number("cancel_at"),
            WaitsForPayment = paymentBehavior == "default_incomplete",
        }).Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Subscriptions, Kind).Render();

    public static JsonObject List(ApiCall call)
    {
        var form = call.Form;
        return Lists.Page(call, "/v1/subscriptions", Kind, call.State.Subscriptions.NewestFirst.Where(subscription =>
            Lists.Matches(form, "customer", subscription.CustomerId)
            && IsStatusAsked(subscription, form.Text("status"))
            && (form.Has("customer") || subscription.TestClockId == form.Text("test_clock"))
            && (form.Text("price") is not { } price || subscription.Items.Exists(item => item.Price.Id == price))
            && Lists.Matches(form, "collection_method", "charge_automatically")
            && Lists.MatchesRange(form, "created", subscription.Created)
            && Lists.MatchesRange(form, "current_period_start", subscription.PeriodStart)
            && Lists.MatchesRange(form, "current_period_end", subscription.PeriodEnd)));
    }

    public static JsonObject ListItems(ApiCall call)
    {
        var subscription = call.FindByParameter(call.State.Subscriptions, Kind, "subscription")!;
        return Lists.Page(call, "/v1/subscription_items", "subscription_item", subscription.Items);
    }

    public static JsonObject Update(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var subscription = FindExisting(call);
        var changed = form.Has("items") ? SubscriptionItems.Read(call, subscription) : null;
        var now = state.NowOn(subscription.TestClockId);
        var trialEnd = ReadTrialEnd(form, now);
        CheckCancellation(form, now);
        var reductions = CouponCalls.ReadReductions(call, subscription.CustomerId);
        var terms = new ChangeTerms(
            form.Text("proration_behavior") ?? "create_prorations", form.Text("payment_behavior") ?? "allow_incomplete");
        state.Events.Change(subscription, () =>
        {
            if (changed is not null && !SubscriptionChanges.ReplaceItems(state, subscription, changed, terms))
                throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);
            SetCancellation(form, subscription, now);
            subscription.HasAutomaticTax = form.Has("automatic_tax") ? form.Is("automatic_tax.enabled") : subscription.HasAutomaticTax;
            if (form.Has("discounts"))
                Coupons.Replace(state, subscription, reductions);
            subscription.Metadata = form.Merge("metadata", subscription.Metadata);
            subscription.Description = form.Text("description") ?? subscription.Description;
            subscription.CancellationComment = form.Text("cancellation_details.comment") ?? subscription.CancellationComment;
            subscription.CancellationFeedback = form.Text("cancellation_details.feedback") ?? subscription.CancellationFeedback;
            if (form.Find("pause_collection") is { } pause)
                subscription.Pause = pause.Value is null ? new PauseCollection(pause.Text("behavior")!, pause.Number("resumes_at")) : null;
            if (trialEnd > now)
                SetTrial(subscription, trialEnd.Value);
        });
        if (subscription.Status == "trialing" && trialEnd <= now)
            Renewals.EndTrial(state, subscription);
        return subscription.Render();
    }

    public static JsonObject Cancel(ApiCall call)
    {
        var subscription = FindExisting(call);
        subscription.CancellationComment = call.Form.Text("cancellation_details.comment") ?? subscription.CancellationComment;
        subscription.CancellationFeedback = call.Form.Text("cancellation_details.feedback") ?? subscription.CancellationFeedback;
        if (call.Form.Is("prorate"))
            Cancellation.CreditRest(call.State, subscription);
        if (call.Form.Is("invoice_now"))
            Metering.BillRest(call.State, subscription);
        Cancellation.CancelNow(call.State, subscription, Cancellation.Requested);
        return subscription.Render();
    }

    public static JsonObject Resume(ApiCall call)
    {
        var subscription = FindExisting(call);
        if (subscription.Status != "paused")
            throw ApiErrorException.Invalid(
                $"Only subscriptions with a status of `paused` can be resumed; this one is `{subscription.Status}`.");
        if (call.Form.Text("payment_behavior") == "resume_on_payment_success")
            Renewals.ResumeWhenPaid(call.State, subscription);
        else
            Renewals.Resume(call.State, subscription);
        return subscription.Render();
    }

    /// <summary>A canceled subscription and one that never existed have different errors.</summary>
    private static Subscription FindExisting(ApiCall call)
    {
        var subscription = call.GetByPath(call.State.Subscriptions, Kind);
        if (subscription.Status == "canceled")
            throw ApiErrorException.Missing(Kind, subscription.Id);
        return subscription.Status == "incomplete_expired"
            ? throw ApiErrorException.Invalid("A subscription that is `incomplete_expired` cannot be changed.")
            : subscription;
    }

    private static bool IsStatusAsked(Subscription subscription, string? status) => status switch
    {
        null => subscription.Status != "canceled",
        "all" => true,
        "ended" => subscription.IsEnded,
        _ => subscription.Status == status,
    };

    private static void CheckCancellation(Form form, long now)
    {
        if (form.Has("cancel_at") && form.Has("cancel_at_period_end"))
            throw ApiErrorException.Invalid("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", "cancel_at");
        if (form.Number("cancel_at") <= now)
            throw ApiErrorException.Invalid("The subscription's `cancel_at` must be in the future.", "cancel_at");
    }

    private static void SetCancellation(Form form, Subscription subscription, long now)
    {
        if (form.Text("cancel_at_period_end") is { } atPeriodEnd)
        {
            if (atPeriodEnd == "true")
                Cancellation.Schedule(subscription, now);
            else
                Cancellation.Undo(subscription);
        }
        else if (form.Text("cancel_at") is { Length: 0 })
        {
            Cancellation.Undo(subscription);
        }
        else if (form.Number("cancel_at") is { } cancelAt)
        {
            subscription.CancelAtPeriodEnd = false;
            subscription.CancelAt = cancelAt;
            subscription.CanceledAt = now;
            subscription.CancellationReason = Cancellation.Requested;
        }
    }

    private static void SetTrial(Subscription subscription, long end)
    {
        subscription.TrialStart ??= subscription.PeriodStart;
        subscription.TrialEnd = end;
        subscription.TrialEndNoticeSent = false;
        subscription.Status = "trialing";
        subscription.BillingCycleAnchor = end;
        foreach (var item in subscription.Items)
            item.PeriodEnd = end;
    }

    private static long? ReadTrialEnd(Form form, long now)
    {
        if (form.Text("trial_end") is not { } text)
            return null;
        if (text == "now")
            return now;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var end) && end > now
            && end - now <= Trials.LongestDays * Day
            ? end
            : throw ApiErrorException.Invalid("`trial_end` must be `now` or a timestamp within the next two years.", "trial_end");
    }
}
