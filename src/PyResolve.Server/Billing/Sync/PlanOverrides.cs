using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>Plans set by an operator. A subscription may grant more, never less.</summary>
internal sealed class PlanOverrides(Database database, BillingCustomers customers, AuditLog audit, TimeProvider time)
{
    /// <summary><c>free</c> removes what an operator set. Returns the account's plan now; null where there is no such account.</summary>
    public async Task<string?> SetAsync(string email, string plan, CancellationToken cancellationToken)
    {
        if (await database.FindAccountAsync(email, cancellationToken) is not { User.Id: var userId })
            return null;
        return await database.WriteAsync(
            async session =>
            {
                if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is not { } profile)
                    return null;
                var now = time.GetInstant();
                var (origin, state) = await customers.ReadStateAsync(session, userId, profile.Origin, cancellationToken);
                var current = state.PlanUntil <= now ? state with { Plan = state.PlanThen, PlanUntil = null } : state;
                var granted = ProfilePlan.FromState(current, plan == PlanCatalog.Free ? null : plan, origin);
                await granted.WriteAsync(session, userId, now, cancellationToken);
                await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.PlanChanged, granted.Plan, cancellationToken);
                return granted.Plan;
            },
            cancellationToken);
    }
}
