using PyResolve.Client.Wire;
using PyResolve.Testing.Http;

namespace PyResolve.Testing.Contract;

/// <summary>Billing without Stripe: the test sets subscriptions.</summary>
internal static class BillingRoutes
{
    private const int MaxQuantity = 1_000;
    private const int LongestName = 64;
    private const long MostOverage = 1_000_000;

    public static FakeAnswer StartCheckout(Call call)
    {
        var body = call.Body<CheckoutRequest>();
        var errors = new FieldErrors();
        errors.Text("plan", body.Plan, LongestName);
        errors.Text("credits", body.Credits, LongestName);
        if (body.Credits is not null)
            CheckAlone(body, errors);
        errors.ThrowIfAny();
        if (body.Credits is { } name)
            return SellCredits(call, name);
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

    private static void CheckAlone(CheckoutRequest request, FieldErrors errors)
    {
        const string Alone = "must be absent: credits are bought by themselves, once.";
        if (request.Plan is not null)
            errors.Add("plan", Alone);
        if (request.Interval is not null)
            errors.Add("interval", Alone);
        if (request.Quantity is not null)
            errors.Add("quantity", Alone);
    }

    private static FakeAnswer SellCredits(Call call, string name)
    {
        if (!call.Server.CreditPacks.ContainsKey(name))
        {
            var names = string.Join(" or ", call.Server.CreditPacks.Keys.Select(static sold => $"'{sold}'"));
            throw new ProblemException(Problems.Malformed(
                names.Length == 0 ? "This server sells no credits." : $"There are no such credits. Use {names}"));
        }

        CheckConfigured(call);
        return FakeAnswer.Json(
            new($"{call.Server.PublicUrl}/checkout/{call.Account.Id}/credits/{name}"), WireJson.Default.CheckoutStarted);
    }

    public static FakeAnswer SetOverage(Call call)
    {
        var cap = call.Body<OverageRequest>().Cap;
        var errors = new FieldErrors();
        if (cap is null)
            errors.Add("cap", ProblemTexts.IsRequired);
        errors.Range("cap", cap, 0, MostOverage);
        errors.ThrowIfAny();
        if (cap > 0)
            CheckOverage(call, cap.Value);
        call.Account.Beyond.SetCap(cap!.Value);
        return QuotaRoutes.Quota(call);
    }

    private static void CheckOverage(Call call, long cap)
    {
        if (call.Server.MaxOverage is not { } most)
            throw new ProblemException(Problems.Conflict("No plan of this server has overage."));
        CheckConfigured(call);
        var errors = new FieldErrors();
        errors.Range("cap", cap, 0, most);
        errors.ThrowIfAny();
        var refusal = call.Account.Subscription switch
        {
            null => "Overage is billed with a subscription, and the account has none that is paid. Subscribe first.",
            { Status: "trialing" } =>
                "What is used in a trial is not billed, so there is no overage yet. Set the limit when the trial has ended.",
            _ when call.Server.Plans[call.Account.Plan].MigrationsLimit.IsUnlimited => $"The {call.Account.Plan} plan has no overage.",
            _ => null,
        };
        if (refusal is not null)
            throw new ProblemException(Problems.Conflict(refusal));
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
