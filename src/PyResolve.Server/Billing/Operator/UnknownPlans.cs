using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Operator;

/// <summary>Plans of accounts that the catalogue does not know, such as those of a catalogue before it.</summary>
internal sealed class UnknownPlans(Database database, PlanCatalog plans)
{
    public async Task<IReadOnlyList<(string Name, long Accounts)>> ListAsync(CancellationToken cancellationToken)
    {
        var all = await database.ListAsync(
            $"select plan, count(*) from profiles where deleted_at is null and plan <> {PlanCatalog.Free} group by plan order by plan",
            static row => (Name: row.Text(0), Accounts: row.Int64(1)),
            cancellationToken);
        return [.. all.Where(stored => plans.Find(stored.Name) is null)];
    }
}
