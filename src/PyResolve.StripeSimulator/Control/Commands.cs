using PyResolve.StripeSimulator.Api;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Control;

internal static class BillingCommands
{
    private const double LongestDays = 3660;

    /// <summary>One or several of <c>days</c>, <c>months</c>, <c>seconds</c>.</summary>
    public static Action Advance(ControlCall call)
    {
        var (months, days, seconds) = (call.Integer("months", 0), call.Number("days") ?? 0, call.Number("seconds") ?? 0);
        if (months is < 0 or > 120 || days is < 0 or > LongestDays || seconds is < 0 or > LongestDays * 86400)
            throw new ControlException("The clock moves forward only, and by at most ten years at a time.");
        var from = call.Simulation.Now;
        var by = from.AddMonths(months).AddDays(days).AddSeconds(seconds) - from;
        return () => call.Simulation.Advance(by);
    }

    public static Action PayCheckout(ControlCall call)
    {
        CardBehaviour? card = call.Text("card") == "none" ? null : RequireCard(call);
        return () =>
        {
            if (call.Simulation.PayCheckout(call.Id, card) is null)
                throw new ControlException("The card was declined, or the session is no longer open.");
        };
    }

    /// <summary>
    /// <c>card</c>: <c>works</c>, <c>declined</c>, <c>fails_on_renewal</c>, <c>settles_later</c>, <c>bounces_later</c> or <c>none</c>.
    /// </summary>
    public static Action ReplaceCard(ControlCall call)
    {
        CardBehaviour? card = call.Text("card") == "none" ? null : RequireCard(call);
        return () => call.Simulation.ReplaceCard(call.Id, card);
    }

    /// <summary><c>status</c>: <c>won</c> or <c>lost</c>.</summary>
    public static Action CloseDispute(ControlCall call)
    {
        var isWon = call.RequireText("status") switch
        {
            "won" => true,
            "lost" => false,
            _ => throw new ControlException("'status' is won or lost."),
        };
        return () => call.Simulation.CloseDispute(call.Id, isWon);
    }

    public static Action DisputeCharge(ControlCall call) => () => call.Simulation.DisputeCharge(call.Id);

    public static Action RefundCharge(ControlCall call) => () => call.Simulation.RefundCharge(call.Id);

    public static Action DeleteCustomer(ControlCall call) => () => call.Simulation.DeleteCustomer(call.Id);

    public static Func<ControlCall, Action> OnSubscription(Action<SubscriptionControls> act) =>
        call => () => act(call.Simulation.Subscription(call.Id));

    /// <summary><c>portal</c>: as Stripe's portal does it, which sets only <c>cancel_at</c>.</summary>
    public static Action CancelAtPeriodEnd(ControlCall call)
    {
        var inPortal = call.Boolean("portal") ?? false;
        return () => call.Simulation.Subscription(call.Id).CancelAtPeriodEnd(inPortal);
    }

    public static Action Switch(ControlCall call)
    {
        var price = call.RequireText("price");
        return () => call.Simulation.Subscription(call.Id).SwitchTo(price);
    }

    public static Action Set(ControlCall call)
    {
        var edit = new SubscriptionEdit
        {
            Status = call.Text("status"),
            CancelAtPeriodEnd = call.Boolean("cancel_at_period_end"),
            CancelAt = call.Text("cancel_at") is { Length: 0 } ? DateTimeOffset.MinValue : call.Instant("cancel_at"),
            CurrentPeriodEnd = call.Instant("current_period_end"),
            Prices = call.Texts("prices"),
            PauseCollection = call.Text("pause_collection"),
        };
        return () => call.Simulation.Subscription(call.Id).Set(edit);
    }

    private static CardBehaviour RequireCard(ControlCall call) =>
        CardNames.Parse(call.RequireText("card"))
        ?? throw new ControlException("'card' is works, declined, fails_on_renewal, settles_later or bounces_later.");
}

internal static class DeliveryCommands
{
    public static Func<ControlCall, Action> On(Action<WebhookControls> act) => call => () => act(call.Simulation.Webhooks);

    public static Action Shuffle(ControlCall call)
    {
        var seed = call.Integer("seed", 1);
        return () => call.Simulation.Webhooks.Shuffle(seed);
    }

    public static Action Duplicate(ControlCall call)
    {
        var copies = call.Integer("copies", 1);
        if (copies is < 1 or > 1000)
            throw new ControlException("'copies' is 1 to 1000.");
        return () => call.Simulation.Webhooks.Duplicate(call.Id, copies);
    }

    public static Action Delay(ControlCall call)
    {
        var seconds = call.Number("seconds") is { } given and >= 0 and <= 31_536_000
            ? given
            : throw new ControlException("'seconds' is 0 to a year.");
        return () => call.Simulation.Webhooks.Delay(call.Id, TimeSpan.FromSeconds(seconds));
    }

    public static Action Drop(ControlCall call) => () => call.Simulation.Webhooks.Drop(call.Id);

    /// <summary><c>fate</c>: <c>lose</c>, <c>hold</c> or <c>duplicate</c>; <c>count</c>.</summary>
    public static Action Next(ControlCall call)
    {
        var (fate, count) = (call.RequireText("fate"), call.Integer("count", 1));
        if (fate is not ("lose" or "hold" or "duplicate") || count is < 1 or > 1000)
            throw new ControlException("'fate' is lose, hold or duplicate, and 'count' is 1 to 1000.");
        var webhooks = call.Simulation.Webhooks;
        return () => (fate switch
        {
            "lose" => (Action<int>)webhooks.LoseNext,
            "hold" => webhooks.HoldNext,
            _ => webhooks.DuplicateNext,
        })(count);
    }

    public static Action Resend(ControlCall call) => () => call.Simulation.Webhooks.Resend(call.Id);

    /// <summary><c>type</c>, and <c>object_id</c> or <c>object</c>; <c>api_version</c>, <c>livemode</c>, <c>thin</c>.</summary>
    public static Action CreateEvent(ControlCall call)
    {
        var custom = new CustomEvent(call.RequireText("type"))
        {
            ObjectId = call.Text("object_id"),
            ObjectJson = call.Raw("object"),
            ApiVersion = call.Text("api_version"),
            Livemode = call.Boolean("livemode") ?? false,
            IsThin = call.Boolean("thin") ?? false,
        };
        return () => call.Simulation.Webhooks.Create(custom);
    }
}

internal static class RequestCommands
{
    /// <summary><c>count</c>, <c>status</c> (0: no answer), <c>moment</c> (before, after), <c>route</c>, <c>should_retry</c>.</summary>
    public static Action Fail(ControlCall call)
    {
        var (count, status, route, shouldRetry) = (
            call.Integer("count", 1), call.Integer("status", 500), call.Text("route"), call.Boolean("should_retry"));
        var moment = call.Text("moment") switch
        {
            null or "before" => FailureMoment.BeforeEffect,
            "after" => FailureMoment.AfterEffect,
            _ => throw new ControlException("'moment' is before or after."),
        };
        if (count < 1 || status is not (0 or (>= 400 and < 600)))
            throw new ControlException("'count' is at least 1, and 'status' is 0 or an error from 400 to 599.");
        if (route is not null && !Routes.Names.Contains(route, StringComparer.Ordinal))
            throw new ControlException("'route' must be a route such as GET /v1/subscriptions/{id}.");
        return () => call.Simulation.Requests.FailNext(count, status, moment, route, shouldRetry);
    }

    /// <summary><c>milliseconds</c> (the maximum), <c>seed</c>, <c>writes</c>.</summary>
    public static Action Slow(ControlCall call)
    {
        var (milliseconds, seed, writes) = (call.Integer("milliseconds", 0), call.Integer("seed", 1), call.Boolean("writes") ?? false);
        if (milliseconds is < 0 or > 60_000)
            throw new ControlException("'milliseconds' is 0 to 60000.");
        return () => call.Simulation.Requests.SlowReads(TimeSpan.FromMilliseconds(milliseconds), seed, writes);
    }

    public static Action Heal(ControlCall call) => call.Simulation.Requests.Heal;
}
