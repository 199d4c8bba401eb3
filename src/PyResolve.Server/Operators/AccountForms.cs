using System.Globalization;
using PyResolve.Server.Accounts;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Pages;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>What an operator changes about an account. Each form has a reason, which stands in the log.</summary>
internal static class AccountForms
{
    public const int MaxReasonLength = 300;
    public const int MaxUnits = 1_000_000;

    public static void MapAccountForms(this IEndpointRouteBuilder pages)
    {
        pages.MapPost("/operator/accounts/{id:guid}/plan", SetPlan).RequireAdmin();
        pages.MapPost("/operator/accounts/{id:guid}/units", GiveUnits).RequireAdmin();
        pages.MapPost("/operator/accounts/{id:guid}/keys/revoke", RevokeKey);
        pages.MapPost("/operator/accounts/{id:guid}/sessions/end", EndSessions);
        pages.MapPost("/operator/accounts/{id:guid}/view", View);
        pages.MapPost("/operator/view/end", EndView).NeedsNoProof();
    }

    /// <param name="form">Part of the input's id: a page has several reasons.</param>
    /// <param name="problem">Of this form; null: none.</param>
    public static Field Reason(string form, ProblemResult? problem = null) => new("reason", "Reason")
    {
        Id = $"{form}-reason", Autocomplete = "off", MaxLength = MaxReasonLength, Problem = problem,
    };

    /// <summary>The sentence that a page shows after a form; null: nothing was done.</summary>
    public static string? Said(string? done) => done switch
    {
        "plan" => "The plan was set.",
        "units" => "The extra units were set.",
        "key" => "The key was revoked. Every server refuses it within a second.",
        "sessions" => "All sessions have ended.",
        "stripe" => "The plan is what Stripe says.",
        "usage" => "The usage is what its events add up to.",
        _ => null,
    };

    public static IResult Done(HttpContext http, Guid id, string done) =>
        PageUrls.SeeOther(http, $"{AccountPages.PathOf(id)}?done={done}");

    public static string? ReadReason(IFormCollection form, FieldErrors errors)
    {
        var reason = form.Field("reason")?.Trim();
        errors.Label("reason", reason, MaxReasonLength, required: true);
        return reason;
    }

    private static async Task<IResult> SetPlan(
        Guid id, HttpContext http, AccountReader reader, PlanOverrides overrides, PlanCatalog plans, TimeProvider time)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = ReadReason(form, errors);
        var (plan, typed) = (form.Field("plan"), form.Field("until"));
        var until = PlanEndDate.Parse(typed);
        if (plans.Find(plan) is null)
            errors.Add("plan", "is not one of the list.");
        if (typed is not null && !(until > time.GetInstant()))
            errors.Add("until", PlanEndDate.Rule);
        if (errors.Problem is { } invalid)
            return await AccountPages.PageAsync(http, reader, id, form: "plan", problem: new ProblemResult(invalid));
        return await overrides.SetAsync(id, plan!, until, OperatorAccess.OriginOf(http, reason), http.RequestAborted) is null
            ? throw NoSuchAccount()
            : Done(http, id, "plan");
    }

    private static async Task<IResult> GiveUnits(Guid id, HttpContext http, AccountReader reader, ExtraUnits units)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = ReadReason(form, errors);
        int? number = int.TryParse(form.Field("units"), NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : null;
        errors.Range("units", number ?? -1, 0, MaxUnits);
        if (errors.Problem is { } invalid)
            return await AccountPages.PageAsync(http, reader, id, form: "units", problem: new ProblemResult(invalid));
        return await units.SetAsync(id, number!.Value, OperatorAccess.OriginOf(http, reason), http.RequestAborted)
            ? Done(http, id, "units")
            : throw NoSuchAccount();
    }

    private static async Task<IResult> RevokeKey(Guid id, HttpContext http, AccountReader reader, ApiKeys keys)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = ReadReason(form, errors);
        if (!Guid.TryParse(form.Field("key"), out var key))
            errors.Add("key", "is not one of the list.");
        if (errors.Problem is { } invalid)
            return await AccountPages.PageAsync(http, reader, id, form: "key", problem: new ProblemResult(invalid));
        return await keys.RevokeAsync(id, key, OperatorAccess.OriginOf(http, reason), http.RequestAborted)
            ? Done(http, id, "key")
            : throw new ProblemException(Problems.NotFound(ProblemTexts.ApiKeyNotFound));
    }

    private static async Task<IResult> EndSessions(Guid id, HttpContext http, AccountReader reader, AccountAdministration administration)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = ReadReason(form, errors);
        if (errors.Problem is { } invalid)
            return await AccountPages.PageAsync(http, reader, id, form: "sessions", problem: new ProblemResult(invalid));
        if (!await reader.ExistsAsync(id, http.RequestAborted))
            throw NoSuchAccount();
        await administration.EndSessionsAsync(id, OperatorAccess.OriginOf(http, reason), http.RequestAborted);
        return Done(http, id, "sessions");
    }

    private static async Task<IResult> View(Guid id, HttpContext http, AccountReader reader, AccountView view)
    {
        var form = await FormBody.ReadAsync(http);
        var errors = new FieldErrors();
        var reason = ReadReason(form, errors);
        if (errors.Problem is { } invalid)
            return await AccountPages.PageAsync(http, reader, id, form: "view", problem: new ProblemResult(invalid));
        return await view.BeginAsync(http.Operator(), id, OperatorAccess.OriginOf(http, reason), http.RequestAborted)
            ? PageUrls.SeeOther(http, "app")
            : throw NoSuchAccount();
    }

    private static async Task<IResult> EndView(HttpContext http, AccountView view)
    {
        var viewed = await view.EndAsync(http.Operator(), http.RequestAborted);
        return PageUrls.SeeOther(http, viewed is { } id ? AccountPages.PathOf(id) : "operator/accounts");
    }

    private static ProblemException NoSuchAccount() => new(Problems.NotFound("There is no such account."));
}
