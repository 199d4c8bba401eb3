using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;
using Standing = PyResolve.Server.Billing.Sync.Standing;

namespace PyResolve.Server.Billing;

internal static class BillingEndpoints
{
    private const int LongestPlan = 64;

    public static void MapBilling(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/billing").WithTags("Billing").ReportStripeFailures();
        group.MapPost("/checkout", StartCheckout).Accepts<CheckoutRequest>("application/json").Produces<CheckoutStarted>().RequireScope(Scopes.Billing);
        group.MapGet("/portal", OpenPortal).Produces<PortalOpened>().RequireScope(Scopes.Billing);
        group.MapGet("/subscription", ReadSubscription).Produces<SubscriptionInfo>().RequireScope(Scopes.Billing);
        routes.MapWebhooks();
        routes.MapBillingPages();
    }

    private static async Task<IResult> StartCheckout(HttpContext http, Checkouts checkouts, BillingOptions options)
    {
        var body = await JsonBody.ReadAsync(http, WireJson.Default.CheckoutRequest);
        var errors = new FieldErrors();
        errors.Text("plan", body.Plan, LongestPlan);
        errors.ThrowIfAny();
        if (body.Plan is not { } plan || !PlanCatalog.Sold.Contains(plan, StringComparer.Ordinal))
            return new ProblemResult(Problems.Malformed("Invalid plan. Use 'pro' or 'unlimited'"));
        if (BillingProblems.Unless(options) is { } notConfigured)
            return notConfigured;
        if (!options.Prices.TryGetValue(plan, out var price))
            return BillingProblems.NotConfigured($"The {plan} plan is not for sale: the server's operator has not set {BillingOptions.PriceVariable(plan)}.");

        var caller = http.Caller();
        return await checkouts.StartAsync(caller.UserId, caller.Email, price, http.RequestAborted) switch
        {
            CheckoutOutcome.Started started => Answers.Ok(new CheckoutStarted(started.Url)),
            CheckoutOutcome.AlreadySubscribed subscribed => new ProblemResult(
                Problems.Create(409, ProblemCodes.AlreadySubscribed, "This account has a subscription already. Change it in the portal.") with { PortalUrl = subscribed.PortalUrl }),
            CheckoutOutcome.PaymentUnderWay => new ProblemResult(Problems.Conflict("A payment for this plan is under way. The plan begins when it arrives.")),
            _ => new ProblemResult(Problems.Conflict("Another checkout for this account was started at the same moment. Use that one, or try again.")),
        };
    }

    private static async Task<IResult> OpenPortal(
        HttpContext http, BillingOptions options, BillingCustomers customers, CustomerLinks links, Checkouts checkouts, CustomerSync sync, PublicUrl publicUrl)
    {
        if (BillingProblems.Unless(options) is { } notConfigured)
            return notConfigured;
        var userId = http.Caller().UserId;
        var customer = await customers.FindLinkedAsync(userId, http.RequestAborted) ?? await links.AdoptAsync(userId, http.RequestAborted);
        if (customer is null)
            return BillingProblems.NoAccount(publicUrl.Upgrade);
        try
        {
            return Answers.Ok(new PortalOpened(await checkouts.OpenPortalAsync(customer, http.RequestAborted)));
        }
        catch (Gateway.StripeException exception) when (exception is { IsMissing: true, Param: "customer" or null })
        {
            // Deleted at Stripe, perhaps by hand.
            if (await sync.RunAsync(customer.Id, http.RequestAborted) is { IsGone: false })
                throw;
            return BillingProblems.NoAccount(publicUrl.Upgrade);
        }
    }

    private static async Task<IResult> ReadSubscription(HttpContext http, BillingOptions options, Database database, BillingCustomers customers, TimeProvider time)
    {
        if (BillingProblems.Unless(options) is { } notConfigured)
            return notConfigured;
        var userId = http.Caller().UserId;
        var now = time.GetInstant();
        var plan = await database.FirstAsync(
            $"select {EffectivePlan.Columns} from profiles p where p.id = {userId}", row => EffectivePlan.Read(row, 0, now), http.RequestAborted)
            ?? throw AccountGone.Exception();
        var standing = (await customers.FindLinkedAsync(userId, http.RequestAborted))?.Standing ?? Standing.None;
        return Answers.Ok(new SubscriptionInfo(
            plan, standing.Status, standing.Cancelling, standing.CurrentPeriodEnd, standing.GraceEndsAt, standing.SubscriptionId));
    }
}
