using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Site;

/// <summary>The pages of a plan. Their forms do what the API's routes do, and lead on to Stripe's pages.</summary>
internal static class PlanPages
{
    private const string Path = "app/plan";

    public static void MapPlanPages(this IEndpointRouteBuilder pages)
    {
        pages.MapGet("/billing", ShowReturn);
        pages.MapGet("/app/plan", Show);
        pages.MapPost("/app/plan/checkout", StartCheckout);
        pages.MapPost("/app/plan/portal", OpenPortal);
        pages.MapPost("/app/plan/overage", SetOverage);
    }

    /// <summary>
    /// The page that Stripe's pages lead back to. Who paid for a checkout of the command line may not have signed in here.
    /// </summary>
    private static async Task<IResult> ShowReturn(HttpContext http, WebSessions web, ProductOptions product)
    {
        var from = http.Request.Query switch
        {
            var query when query["success"] == BillingLinks.Credits => ReturnFrom.Credits,
            var query when query.ContainsKey("success") => ReturnFrom.Checkout,
            var query when query.ContainsKey("canceled") => ReturnFrom.CheckoutLeft,
            var query when query.ContainsKey("managed") => ReturnFrom.Portal,
            _ => ReturnFrom.Nowhere,
        };
        if (from is ReturnFrom.Nowhere || await web.FindAsync(http) is not null)
            return PageUrls.SeeOther(http, from is ReturnFrom.Nowhere ? Path : $"{Path}?from={from.ToString().ToLowerInvariant()}");
        var status = product.IsDefault ? ", as “pyresolve status” does" : "";
        var message = from switch
        {
            ReturnFrom.Checkout => new Message(
                "Thank you", $"Your subscription is set up. Your overview shows the new plan{status}.",
                MessageMark.Approved),
            ReturnFrom.Credits => new Message(
                "Thank you", $"Your overview shows the credits as soon as the payment has arrived{status}.", MessageMark.Approved),
            ReturnFrom.CheckoutLeft => new Message("Nothing was bought", "You left before paying, and nothing was charged."),
            _ => new Message("Billing", $"Your changes are in effect. Your overview shows your plan{status}."),
        };
        return Message.Page(message with { Link = (Path, "Go to your plan") });
    }

    private static async Task<IResult> Show(HttpContext http, WebSessions web, PlanReader reader, ReturnSync sync)
    {
        if (await web.FindAsync(http) is not { } caller)
            return SignInPages.Ask(http);
        var from = Enum.TryParse<ReturnFrom>(http.Request.Query["from"], ignoreCase: true, out var known) && Enum.IsDefined(known)
            ? known
            : ReturnFrom.Nowhere;
        var view = await reader.ReadAsync(caller, http.RequestAborted) with { From = from };
        if (view is { IsAwaited: true, IsConfigured: true, Customer: { } customer } && !http.IsHead())
        {
            await sync.TryAsync(customer, http.RequestAborted);
            view = await reader.ReadAsync(caller, http.RequestAborted) with { From = from };
        }

        return Page(caller, view);
    }

    private static async Task<IResult> StartCheckout(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, PlanReader reader, PlanCatalog plans, Checkouts checkouts,
        BillingOptions options, BillingLimits limits, CreditCheckouts credits, QuotaReader quotas)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, Path);
        var form = await FormBody.ReadAsync(http);
        var wanted = new Body<CheckoutRequest>(new CheckoutRequest
        {
            Plan = form.Field("plan"),
            Credits = form.Field("credits"),
            Interval = form.Field("interval"),
            Quantity = form.Field("quantity") is { Length: > 0 } typed ? ReadSeats(typed) : null,
        });
        return await GoOnAsync(
            http,
            caller,
            reader,
            async () => (await BillingEndpoints.StartCheckout(wanted, http, plans, checkouts, options, limits, credits, quotas)).Result);
    }

    private static async Task<IResult> SetOverage(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, PlanReader reader, OverageChoice overage, QuotaReader quotas,
        PlanCatalog plans, BillingOptions options, BillingLimits limits)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, Path);
        var typed = (await FormBody.ReadAsync(http)).Field("cap");
        var wanted = new Body<OverageRequest>(new OverageRequest
        {
            Cap = long.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var cap) ? cap : -1,
        });
        IResult set;
        try
        {
            set = (await CreditEndpoints.SetOverage(wanted, http, overage, quotas, plans, options, limits)).Result;
        }
        catch (StripeException exception)
        {
            set = BillingProblems.Report(http, exception);
        }

        return set is ProblemResult problem
            ? Page(caller, await reader.ReadAsync(caller, http.RequestAborted) with { Problem = problem })
            : PageUrls.SeeOther(http, Path);
    }

    /// <summary>Reads a number of seats. A text that is no number counts as 0, which is refused.</summary>
    private static int ReadSeats(string typed) =>
        int.TryParse(typed, NumberStyles.None, CultureInfo.InvariantCulture, out var seats) ? seats : 0;

    private static async Task<IResult> OpenPortal(
        HttpContext http, SameOrigin sameOrigin, WebSessions web, PlanReader reader, BillingOptions options, BillingCustomers customers,
        CustomerLinks links, Checkouts checkouts, CustomerSync sync, PublicUrl publicUrl, BillingLimits limits)
    {
        if (await SitePages.FormCallerAsync(http, sameOrigin, web) is not { } caller)
            return SitePages.SignInFirst(http, Path);
        return await GoOnAsync(
            http,
            caller,
            reader,
            async () => (await BillingEndpoints.OpenPortal(http, options, customers, links, checkouts, sync, publicUrl, limits)).Result);
    }

    /// <summary>
    /// Goes on to Stripe's page, by an answer of our own: under the policy of our pages, browsers do not follow a form's redirect to
    /// another site.
    /// </summary>
    private static async Task<IResult> GoOnAsync(HttpContext http, Caller caller, PlanReader reader, Func<Task<IResult>> open)
    {
        IResult opened;
        try
        {
            opened = await open();
        }
        catch (StripeException exception)
        {
            opened = BillingProblems.Report(http, exception);
        }

        var address = opened switch
        {
            JsonAnswer<CheckoutStarted> checkout => checkout.Value.CheckoutUrl,
            JsonAnswer<PortalOpened> portal => portal.Value.PortalUrl,
            ProblemResult { Problem.PortalUrl: { } portal } => portal,
            _ => null,
        };
        if (address is not null && PageUrls.IsWebAddress(address))
            return new PageResult("Going on to Stripe", new Site_GoOnPage { Model = address }) { GoTo = address };
        var problem = opened as ProblemResult ?? BillingProblems.NotConfigured("Stripe answered with an address that no browser opens.");
        return Page(caller, await reader.ReadAsync(caller, http.RequestAborted) with { Problem = problem });
    }

    private static PageResult Page(Caller caller, PlanView view) =>
        SitePages.Page("Plan", new Site_PlanPage { Model = view }, caller, view.Problem);
}

/// <summary>Reads the plan of an account, also on a server that sells nothing.</summary>
internal sealed class PlanReader(
    PlanCatalog plans, QuotaReader quotas, BillingCustomers customers, BillingOptions options, TimeProvider time)
{
    public async Task<PlanView> ReadAsync(Caller caller, CancellationToken cancellationToken) => new(
        plans,
        await quotas.ReadAsync(caller.UserId, cancellationToken),
        await customers.FindProfileAsync(caller.UserId, cancellationToken) ?? throw AccountGone.Exception(),
        options.IsConfigured ? await customers.FindLinkedAsync(caller.UserId, cancellationToken) : null,
        options.IsConfigured,
        options.IsConfigured
            ? options.Prices.Concat(options.OtherPrices).Select(static sold => sold.Price.Variable).ToHashSet(StringComparer.Ordinal)
            : new HashSet<string>(),
        time.GetUtcNow());
}
