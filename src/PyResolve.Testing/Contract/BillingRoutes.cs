using PyResolve.Client.Wire;
using PyResolve.Testing.Http;

namespace PyResolve.Testing.Contract;

/// <summary>Billing without Stripe: the test sets subscriptions.</summary>
internal static class BillingRoutes
{
    private const int MaxQuantity = 1_000;

    public static FakeAnswer StartCheckout(Call call)
    {
        var body = call.Body<CheckoutRequest>();
        var sold = call.Server.Plans.InOrder.Where(static plan => plan.Price is not null).ToList();
        if (sold.Find(plan => plan.Name == body.Plan) is not { } wanted)
            throw new ProblemException(Problems.Malformed(ProblemTexts.PlanNotSold(sold.Select(static plan => plan.Name))));
        CheckPrice(wanted, body);
        CheckConfigured(call);
        if (call.Account.Subscription is not null)
        {
            var problem = Problems.Create(409, ProblemCodes.AlreadySubscribed, ProblemTexts.AlreadySubscribed);
            throw new ProblemException(problem with { PortalUrl = PortalOf(call) });
        }

        return FakeAnswer.Json(new($"{call.Server.PublicUrl}/checkout/{call.Account.Id}/{body.Plan}"), WireJson.Default.CheckoutStarted);
    }

    private static void CheckPrice(PlanInfo plan, CheckoutRequest request)
    {
        var errors = new FieldErrors();
        var intervals = plan.Prices is [] ? [plan.Price!.Interval] : plan.Prices.Select(static price => price.Interval).ToList();
        if (request.Interval is not (null or "month" or "year"))
            errors.Add("interval", "must be month or year.");
        else if (request.Interval is { } interval && !intervals.Contains(interval))
            errors.Add("interval", $"must be {intervals[0]}: the {plan.Name} plan is not sold otherwise.");
        errors.Range("quantity", request.Quantity ?? 1, 1, MaxQuantity);
        if (request.Quantity > 1 && !plan.PerSeat)
            errors.Add("quantity", $"must be 1: the {plan.Name} plan has no seats.");
        errors.ThrowIfAny();
    }

    public static FakeAnswer OpenPortal(Call call)
    {
        CheckConfigured(call);
        return call.Account.Subscription is null
            ? throw new ProblemException(Problems.Create(
                400, ProblemCodes.NoBillingAccount, $"No billing account. Subscribe first at {call.Server.PublicUrl}/pricing"))
            : FakeAnswer.Json(new(PortalOf(call)), WireJson.Default.PortalOpened);
    }

    public static FakeAnswer ReadSubscription(Call call)
    {
        CheckConfigured(call);
        var none = new SubscriptionInfo(
            call.Account.Plan, Status: null, Cancelling: false, CurrentPeriodEnd: null, GraceEndsAt: null, StripeSubscriptionId: null);
        return FakeAnswer.Json((call.Account.Subscription ?? none) with { Plan = call.Account.Plan }, WireJson.Default.SubscriptionInfo);
    }

    /// <summary>The fake server bills nobody.</summary>
    public static FakeAnswer ListInvoices(Call call)
    {
        CheckConfigured(call);
        return FakeAnswer.Json(new InvoicePage([], NextCursor: null), WireJson.Default.InvoicePage);
    }

    private static string PortalOf(Call call) => $"{call.Server.PublicUrl}/portal/{call.Account.Id}";

    private static void CheckConfigured(Call call)
    {
        if (!call.Server.IsBillingConfigured)
        {
            throw new ProblemException(Problems.Create(
                503, ProblemCodes.BillingNotConfigured, "This server sells no subscriptions: its operator has not set STRIPE_SECRET_KEY."));
        }
    }
}
