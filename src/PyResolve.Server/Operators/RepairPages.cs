using PyResolve.Server.Audit;
using PyResolve.Server.Billing;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Pages;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>What a repair would change, before it does. <c>Changes</c> is empty where all agrees.</summary>
internal sealed record Repair(
    Guid AccountId, string Email, string Name, string Title, string Explanation, string Button, IReadOnlyList<RepairChange> Changes,
    bool MayRepair, ProblemResult? Problem);

internal sealed record RepairChange(string What, string Was, string Is);

/// <summary>The pages that compare an account's plan with Stripe, and its usage with its events, and repair what differs.</summary>
internal static class RepairPages
{
    private const int MaxShown = 200;

    public static void MapRepairPages(this RouteGroupBuilder pages)
    {
        var repairs = pages.MapGroup("").ReportStripeFailures();
        repairs.MapGet("/operator/accounts/{id:guid}/stripe", static (Guid id, HttpContext http) => StripePageAsync(id, http));
        repairs.MapPost("/operator/accounts/{id:guid}/stripe", Sync).RequireAdmin();
        repairs.MapGet("/operator/accounts/{id:guid}/usage", static (Guid id, HttpContext http) => UsagePageAsync(id, http));
        repairs.MapPost("/operator/accounts/{id:guid}/usage", Recompute).RequireAdmin();
    }

    private static async Task<IResult> Sync(Guid id, HttpContext http, CustomerSync sync, AuditLog audit, Database database)
    {
        var (reason, invalid) = await ReadReasonAsync(http);
        if (invalid is not null)
            return await StripePageAsync(id, http, invalid);
        var customer = await FindCustomerAsync(id, http);
        await database.WriteAsync(
            session => audit.WriteAsync(
                session, id, OperatorAccess.OriginOf(http, reason), AuditActions.SyncedWithStripe, customer.Id, http.RequestAborted),
            http.RequestAborted);
        await sync.RunAsync(customer.Id, http.RequestAborted);
        return AccountForms.Done(http, id, "stripe");
    }

    private static async Task<IResult> Recompute(Guid id, HttpContext http, RollupRecount recount)
    {
        var (reason, invalid) = await ReadReasonAsync(http);
        if (invalid is not null)
            return await UsagePageAsync(id, http, invalid);
        await recount.RunAsync(
            new RecountScope(id, Month: null, Repair: true) { By = OperatorAccess.OriginOf(http, reason) },
            static _ => { },
            static _ => { },
            http.RequestAborted);
        return AccountForms.Done(http, id, "usage");
    }

    private static async Task<IResult> StripePageAsync(Guid id, HttpContext http, ProblemResult? problem = null)
    {
        var services = http.RequestServices;
        var customer = await FindCustomerAsync(id, http);
        var preview = await services.GetRequiredService<CustomerSync>().PreviewAsync(customer.Id, id, http.RequestAborted);
        List<RepairChange> changes = [];
        if (preview.Before != preview.Now)
            changes.Add(new("Subscription", Describe(preview.Before), Describe(preview.Now)));
        if (preview.OtherPlan is { } plan)
            changes.Add(new("Plan of the account", plan, preview.Now.Plan));
        changes.AddRange(preview.Orphaned.Select(static orphan => new RepairChange("Of a deleted account", orphan, "ended")));
        return Page(http, new Repair(
            id,
            await EmailOfAsync(id, http),
            "stripe",
            "Compare with Stripe",
            $"What Stripe has now for the customer {customer.Id}, and what is stored here.",
            "Take over what Stripe says",
            changes,
            http.Operator().IsAdmin,
            problem));
    }

    private static async Task<IResult> UsagePageAsync(Guid id, HttpContext http, ProblemResult? problem = null)
    {
        var email = await EmailOfAsync(id, http);
        var changes = new List<RepairChange>();
        var result = await http.RequestServices.GetRequiredService<RollupRecount>().RunAsync(
            new RecountScope(id, Month: null, Repair: false), Add, static _ => { }, http.RequestAborted);
        return Page(http, new Repair(
            id,
            email,
            "usage",
            "Recount usage",
            $"{result.Events} events of {result.Months} months were added up, and compared with the sums that are stored.",
            "Store what the events add up to",
            changes,
            http.Operator().IsAdmin,
            problem));

        void Add(RollupDifference difference)
        {
            if (changes.Count < MaxShown)
                changes.Add(new($"{difference.Month} {difference.Row} {difference.Column}", $"{difference.Was}", $"{difference.Is}"));
        }
    }

    private static async Task<BillingCustomer> FindCustomerAsync(Guid id, HttpContext http)
    {
        var services = http.RequestServices;
        if (BillingProblems.CheckConfigured(services.GetRequiredService<BillingOptions>()) is { } missing)
            throw new ProblemException(missing.Problem);
        return await services.GetRequiredService<BillingCustomers>().FindLinkedAsync(id, http.RequestAborted)
            ?? throw new ProblemException(Problems.NotFound("This account has no customer at the Stripe that is configured."));
    }

    private static async Task<string> EmailOfAsync(Guid id, HttpContext http)
    {
        var found = await http.RequestServices.GetRequiredService<Database>().FirstAsync(
            $"select email from profiles where id = {id}", static row => row.Text(0), http.RequestAborted);
        return found ?? throw new ProblemException(Problems.NotFound("There is no such account."));
    }

    private static async Task<(string? Reason, ProblemResult? Invalid)> ReadReasonAsync(HttpContext http)
    {
        var errors = new FieldErrors();
        var reason = AccountForms.ReadReason(await FormBody.ReadAsync(http), errors);
        return (reason, errors.Problem is { } invalid ? new ProblemResult(invalid) : null);
    }

    private static string Describe(BillingState state)
    {
        var end = state.PlanUntil is { } until ? $", until {until.ToDate()}" : "";
        return $"{state.Plan} ({state.Status ?? "no subscription"}{end})";
    }

    private static PageResult Page(HttpContext http, Repair repair) =>
        OperatorPages.Page(http, repair.Title, new Operators_RepairPage { Model = repair }, repair.Problem);
}
