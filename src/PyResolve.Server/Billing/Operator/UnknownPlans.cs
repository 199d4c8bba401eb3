using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Operator;

/// <summary>Plans of accounts that the catalogue does not know, such as those of a catalogue before it.</summary>
internal sealed class UnknownPlans(Database database, PlanCatalog plans)
{
    /// <returns>Which they are, and the fix; null where the catalogue knows all.</returns>
    public async Task<string?> DescribeAsync(CancellationToken cancellationToken)
    {
        // Those that accounts have, those that an operator gave them, and those that come next.
        var all = await database.ListAsync(
            $"""
            select named.plan, count(*)
            from (
                select id, plan from profiles where deleted_at is null
                union
                select id, plan_override from profiles where deleted_at is null
                union
                select id, plan_then from profiles where deleted_at is null) named
            where named.plan <> {PlanCatalog.Free}
            group by named.plan
            order by named.plan
            """,
            static row => (Name: row.Text(0), Accounts: row.Int64(1)),
            cancellationToken);
        var unknown = all.Where(stored => plans.Find(stored.Name) is null)
            .Select(static plan => $"{plan.Name} ({plan.Accounts} accounts)").ToList();
        return unknown.Count == 0
            ? null
            : $"The database has plans that PyResolve:Plans does not: {string.Join(", ", unknown)}. They count as the plan without "
                + "payment. Add them to the catalogue, or give these accounts another plan by 'accounts set-plan'.";
    }
}
