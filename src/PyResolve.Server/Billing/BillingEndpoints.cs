using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing;

internal static class BillingEndpoints
{
    private const int MaxPlanLength = 64;

    public static void MapBilling(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/billing").WithTags("Billing").ReportStripeFailures().RequireScope(Scopes.Billing);
        group.MapPost("/checkout", StartCheckout);
        group.MapGet("/portal", OpenPortal);
        group.MapOverage();
        group.MapGet("/subscription", ReadSubscription);
        group.MapGet("/invoices", ListInvoices);
        routes.MapWebhooks();
        routes.MapBillingPages();
    }

    public static async Task<Results<JsonAnswer<CheckoutStarted>, ProblemResult>> StartCheckout(
        Body<CheckoutRequest> body, HttpContext http, PlanCatalog plans, Checkouts checkouts, BillingOptions options, BillingLimits limits,
        CreditCheckouts credits, QuotaReader quotas)
    {
        var request = body.Value;
        var errors = new FieldErrors();
        errors.Text("plan", request.Plan, MaxPlanLength);
        errors.Text("credits", request.Credits, MaxPlanLength);
        if (request.Credits is not null)
            CheckAlone(request, errors);
        errors.ThrowIfAny();
        if (request.Credits is { } name)
            return await CreditEndpoints.StartAsync(name, http, plans, credits, quotas, options, limits);
        if (plans.FindSold(request.Plan) is not { } plan)
        {
            var shown = plans.Sold.Where(static sold => sold.IsPublic).Select(static sold => sold.Name);
            return new ProblemResult(Problems.Malformed(ProblemTexts.PlanNotSold(shown)));
        }

        var price = CheckPrice(plan, request, errors);
        errors.ThrowIfAny();
        if (BillingProblems.CheckConfigured(options) is { } notConfigured)
            return notConfigured;
        if (options.IdOf(price!) is not { } id)
            return BillingProblems.NotConfigured($"The {plan.Name} plan is not for sale: {price!.Variable} is not set.");

        var caller = http.Caller();
        if (limits.Check(caller.UserId) is { } tooMany)
            return tooMany;
        StripePace.ActFor(caller.UserId);
        var purchase = new Purchase(plan, price!, id, request.Quantity ?? 1);
        return await checkouts.StartAsync(caller.UserId, caller.Email, purchase, http.RequestAborted) switch
        {
            CheckoutOutcome.Started started => Answers.Ok(new CheckoutStarted(started.Url)),
            CheckoutOutcome.AlreadySubscribed subscribed => BillingProblems.AlreadySubscribed(subscribed.PortalUrl),
            CheckoutOutcome.GivenByOperator given => new ProblemResult(Problems.Conflict(
                $"The operator of this server gave this account the {given.Plan} plan. The {plan.Name} plan would add nothing to it. "
                + "For another plan, ask the operator.")),
            CheckoutOutcome.PaymentPending => new ProblemResult(
                Problems.Conflict("A payment for this plan is under way. The plan begins when it arrives.")),
            _ => new ProblemResult(
                Problems.Conflict("Another checkout for this account was started at the same moment. Use that one, or try again.")),
        };
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

    /// <returns>null where there is an error.</returns>
    private static CatalogPrice? CheckPrice(Plan plan, CheckoutRequest request, FieldErrors errors)
    {
        var price = plan.FindPrice(request.Interval);
        if (request.Interval is not (null or "month" or "year"))
            errors.Add("interval", "must be month or year.");
        else if (price is null)
            errors.Add("interval", $"must be {plan.Prices[0].Interval}: the {plan.Name} plan is not sold otherwise.");
        errors.Range("quantity", request.Quantity ?? 1, 1, Plan.MaxSeatsSold);
        if (request.Quantity > 1 && !plan.PerSeat)
            errors.Add("quantity", $"must be 1: the {plan.Name} plan has no seats.");
        return price;
    }

    public static async Task<Results<JsonAnswer<PortalOpened>, ProblemResult>> OpenPortal(
        HttpContext http,
        BillingOptions options,
        BillingCustomers customers,
        CustomerLinks links,
        Checkouts checkouts,
        CustomerSync sync,
        PublicUrl publicUrl,
        BillingLimits limits)
    {
        if (BillingProblems.CheckConfigured(options) is { } notConfigured)
            return notConfigured;
        var userId = http.Caller().UserId;
        if (limits.Check(userId) is { } tooMany)
            return tooMany;
        StripePace.ActFor(userId);
        var customer = await customers.FindLinkedAsync(userId, http.RequestAborted) ?? await links.AdoptAsync(userId, http.RequestAborted);
        if (customer is null)
            return BillingProblems.NoAccount(publicUrl.Upgrade);
        try
        {
            return Answers.Ok(new PortalOpened(await checkouts.OpenPortalAsync(customer, http.RequestAborted)));
        }
        catch (StripeException exception) when (exception is { IsMissing: true, Param: "customer" or null })
        {
            // The customer was deleted at Stripe, for example in the dashboard.
            if (await sync.RunAsync(customer.Id, http.RequestAborted) is { IsGone: false })
                throw;
            return BillingProblems.NoAccount(publicUrl.Upgrade);
        }
    }

    private static async Task<Results<JsonAnswer<SubscriptionInfo>, ProblemResult>> ReadSubscription(
        HttpContext http, BillingOptions options, Database database, BillingCustomers customers, PlanCatalog plans, TimeProvider time)
    {
        if (BillingProblems.CheckConfigured(options) is { } notConfigured)
            return notConfigured;
        var userId = http.Caller().UserId;
        var now = time.GetInstant();
        var plan = await database.FirstAsync(
            $"select {EffectivePlan.Columns} from profiles p where p.id = {userId}",
            row => plans.NameOf(EffectivePlan.Read(row, 0, now)),
            http.RequestAborted) ?? throw AccountGone.Exception();
        var state = (await customers.FindLinkedAsync(userId, http.RequestAborted))?.State ?? BillingState.None;
        return Answers.Ok(new SubscriptionInfo(
            plan, state.Status, state.Cancelling, state.CurrentPeriodEnd, state.GraceEndsAt, state.SubscriptionId)
        {
            Interval = state.Interval,
            Quantity = state.Quantity,
            TrialEndsAt = state.TrialEndsAt,
            ScheduledPlan = state.ScheduledPlan is { } next ? plans.NameOf(next) : null,
            ScheduledAt = state.ScheduledAt,
        });
    }

    private static async Task<Results<JsonAnswer<InvoicePage>, ProblemResult>> ListInvoices(
        HttpContext http, string? cursor, BillingOptions options, BillingInvoices invoices, BillingLimits limits)
    {
        var userId = http.Caller().UserId;
        if (limits.Check(userId) is { } tooMany)
            return tooMany;
        StripePace.ActFor(userId);
        return await invoices.ReadAsync(userId, cursor, http.RequestAborted) is { } page
            ? Answers.Ok(page)
            : BillingProblems.CheckConfigured(options)!;
    }
}
