using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Checkout;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Billing;

/// <summary>The routes about units beyond a plan's quota: credits are bought before, overage is billed afterwards.</summary>
internal static class CreditEndpoints
{
    public const long MostOverage = 1_000_000;

    public static void MapOverage(this IEndpointRouteBuilder group) => group.MapPost("/overage", SetOverage);

    public static async Task<Results<JsonAnswer<CheckoutStarted>, ProblemResult>> StartAsync(
        string name, HttpContext http, PlanCatalog plans, CreditCheckouts credits, QuotaReader quotas, BillingOptions options,
        BillingLimits limits)
    {
        if (plans.FindPack(name) is not { } pack)
        {
            var names = string.Join(" or ", plans.Packs.Select(static sold => $"'{sold.Name}'"));
            return new ProblemResult(Problems.Malformed(
                names.Length == 0 ? "This server sells no credits." : $"There are no such credits. Use {names}"));
        }

        if (BillingProblems.CheckConfigured(options) is { } notConfigured)
            return notConfigured;
        if (options.IdOf(pack.Price) is not { } id)
            return BillingProblems.NotConfigured($"The credits '{pack.Name}' are not for sale: {pack.Price.Variable} is not set.");
        var caller = http.Caller();
        var plan = plans[(await quotas.ReadAsync(caller.UserId, http.RequestAborted)).Plan];
        if (!plan.DrawsCredits)
        {
            var others = string.Join(" or ", plans.All.Where(static one => one is { DrawsCredits: true, IsPublic: true })
                .Select(static one => one.Name));
            return new ProblemResult(Problems.Conflict(
                $"The {plan.Name} plan uses no credits, so none are sold to it."
                + (others.Length == 0 ? "" : $" Change to {others} first.")));
        }

        if (limits.Check(caller.UserId) is { } tooMany)
            return tooMany;
        StripePace.ActFor(caller.UserId);
        return Answers.Ok(new CheckoutStarted(await credits.StartAsync(caller.UserId, caller.Email, pack, id, http.RequestAborted)));
    }

    public static async Task<Results<JsonAnswer<QuotaSnapshot>, ProblemResult>> SetOverage(
        Body<OverageRequest> body, HttpContext http, OverageChoice overage, QuotaReader quotas, PlanCatalog plans, BillingOptions options,
        BillingLimits limits)
    {
        var errors = new FieldErrors();
        if (body.Value.Cap is null)
            errors.Add("cap", ProblemTexts.IsRequired);
        else if (body.Value.Cap is < 0 or > MostOverage)
            errors.Add("cap", $"must be from 0 to {MostOverage}.");
        errors.ThrowIfAny();
        var userId = http.Caller().UserId;
        // Also where Stripe cannot be reached.
        if (body.Value.Cap == 0)
        {
            await overage.TurnOffAsync(userId, http.RequestAborted);
            return Answers.Ok(await quotas.ReadAsync(userId, http.RequestAborted));
        }

        if (!plans.HasOverage)
            return new ProblemResult(Problems.Conflict("No plan of this server has overage."));
        if (BillingProblems.CheckConfigured(options) is { } notConfigured)
            return notConfigured;
        var plan = plans[(await quotas.ReadAsync(userId, http.RequestAborted)).Plan];
        if (plan.Overage is { MaxUnits: var most } && body.Value.Cap > most)
            errors.Add("cap", $"must be from 0 to {most}.");
        errors.ThrowIfAny();
        if (limits.Check(userId) is { } tooMany)
            return tooMany;
        StripePace.ActFor(userId);
        return await overage.SetAsync(userId, plan, body.Value.Cap!.Value, http.RequestAborted) is { } refusal
            ? new ProblemResult(Problems.Conflict(refusal))
            : Answers.Ok(await quotas.ReadAsync(userId, http.RequestAborted));
    }
}
