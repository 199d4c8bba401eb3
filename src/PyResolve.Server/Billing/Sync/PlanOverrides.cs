using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>Plans that an operator sets: subscriptions may grant more, never less.</summary>
internal sealed class PlanOverrides(Database database, BillingCustomers customers, AuditLog audit, TimeProvider time)
{
    /// <param name="email">In lower case.</param>
    /// <param name="plan"><c>free</c> takes back what was set; what a subscription grants stays.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    /// <returns>The account's plan now; <see langword="null"/> where there is no such account.</returns>
    public async Task<string?> SetAsync(string email, string plan, CancellationToken cancellationToken)
    {
        var found = await database.ListAsync(
            $"select id from profiles where lower(email) = {email} and email <> ''", static row => row.Uuid(0), cancellationToken);
        if (found is not [var userId])
            return null;
        return await database.WriteAsync(
            async session =>
            {
                if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is not { } profile)
                    return null;
                var now = time.GetInstant();
                var (origin, standing) = await customers.ReadStandingAsync(session, userId, profile.Origin, cancellationToken);
                var current = standing.PlanUntil <= now ? standing with { Plan = standing.PlanThen, PlanUntil = null } : standing;
                var granted = ProfilePlan.Of(current, plan == PlanCatalog.Free ? null : plan, origin);
                await granted.WriteAsync(session, userId, now, cancellationToken);
                await audit.WriteAsync(session, userId, Origin.Operator, AuditActions.PlanChanged, granted.Plan, cancellationToken);
                return granted.Plan;
            },
            cancellationToken);
    }
}
