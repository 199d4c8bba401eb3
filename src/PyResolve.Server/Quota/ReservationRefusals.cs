using PyResolve.Client.Wire;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Quota;

/// <summary>The answer to a reservation that was not granted.</summary>
internal sealed class ReservationRefusals(ReservationList list, PlanCatalog plans, PublicUrl url)
{
    public async Task<ProblemResult> DescribeAsync(Guid userId, ReservationOutcome outcome, CancellationToken cancellationToken)
    {
        switch (outcome)
        {
            case ReservationOutcome.QuotaExceeded exceeded:
                var heldUntil = exceeded.IsHeldOnly ? await list.FindEarliestEndAsync(userId, cancellationToken) : null;
                var problem = Problems.Create(402, ProblemCodes.QuotaExceeded, Explain(exceeded, heldUntil) + WayOut(exceeded));
                return new ProblemResult(
                    problem with { UpgradeUrl = url.Upgrade, ResetsAt = exceeded.ResetsAt, HeldUntil = heldUntil });
            case ReservationOutcome.TierNotAllowed notAllowed:
                return new ProblemResult(
                    Problems.Forbidden(ProblemCodes.LlmNotAllowed, Explain(notAllowed, url.Upgrade)) with { UpgradeUrl = url.Upgrade });
            case ReservationOutcome.Conflict conflict:
                return new ProblemResult(Problems.Conflict(conflict.Detail));
            default:
                throw new InvalidOperationException($"Unknown outcome {outcome}.");
        }
    }

    /// <summary>Says what the account itself can do besides an upgrade, where the server sells it.</summary>
    private string WayOut(ReservationOutcome.QuotaExceeded exceeded)
    {
        if (exceeded.OverageEnds is { } ends)
        {
            return " Overage is left for reservations that end with the subscription, "
                + $"by {ends:yyyy-MM-dd'T'HH:mm:ss'Z'}: use a smaller ttl_seconds.";
        }

        var plan = plans[exceeded.Plan];
        var buys = plan.DrawsCredits && plans.Packs.Count > 0;
        return (buys, plan.Overage) switch
        {
            (true, not null) => $" Buy credits, or raise the limit of overage, at {url.Upgrade}",
            (true, null) => $" Buy credits at {url.Upgrade}",
            (false, not null) => $" Raise the limit of overage at {url.Upgrade}",
            _ => "",
        };
    }

    private static string Explain(ReservationOutcome.TierNotAllowed denied, string upgradeUrl) => denied.Plan.LlmAllowed
        ? $"{denied.Tier} is not part of the {denied.Plan.Name} plan. Upgrade at {upgradeUrl}, or use "
            + $"{string.Join(" or ", denied.Plan.Tiers)}."
        : DenialTexts.LlmNotAllowed(denied.Plan.Name, upgradeUrl);

    private static string Explain(ReservationOutcome.QuotaExceeded exceeded, DateTimeOffset? heldUntil) =>
        $"{DenialTexts.LimitReached(exceeded.Plan, exceeded.Limit, exceeded.Used, exceeded.Held, exceeded.Asked)} "
        + (heldUntil is { } end ? $"{ProblemTexts.HeldUntil(end)} " : "")
        + DenialTexts.ResetsAt(exceeded.ResetsAt);
}
