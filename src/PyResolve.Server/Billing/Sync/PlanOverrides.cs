using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>Plans set by an operator. A subscription may grant more, never less.</summary>
internal sealed class PlanOverrides(Database database, BillingCustomers customers, PlanCatalog plans, AuditLog audit, TimeProvider time)
{
    /// <param name="userId">Whose plan.</param>
    /// <param name="plan">The plan without payment removes what an operator set.</param>
    /// <param name="until">When it ends by itself; null: it does not.</param>
    /// <param name="by">The operator.</param>
    /// <param name="cancellationToken">Stops before the change.</param>
    /// <returns>The account's plan now; null where there is no such account.</returns>
    public Task<string?> SetAsync(
        Guid userId, string plan, DateTimeOffset? until, Origin by, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is not { } profile)
                return null;
            var now = time.GetInstant();
            var set = plans.IsFree(plan) ? null : plan;
            var granted = await ChooseAsync(session, userId, profile, set, until, now, cancellationToken);
            await granted.WriteAsync(session, userId, now, cancellationToken);
            await audit.WriteAsync(session, userId, by, AuditActions.PlanChanged, plans.NameOf(granted.Plan), cancellationToken);
            return plans.NameOf(granted.Plan);
        },
        cancellationToken);

    /// <summary>
    /// Chooses the plan from the stored state of the subscriptions and what an operator sets. The session has locked the profile.
    /// </summary>
    public async Task<ProfilePlan> ChooseAsync(
        Session session, Guid userId, ProfilePlan profile, string? plan, DateTimeOffset? until, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var (origin, state) = await customers.ReadStateAsync(session, userId, profile.Origin, cancellationToken);
        var current = state.PlanUntil <= now ? state with { Plan = state.PlanThen, PlanUntil = null } : state;
        return ProfilePlan.FromState(current, plan, until, origin, plans);
    }
}
