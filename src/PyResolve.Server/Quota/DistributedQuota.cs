using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Reads a quota as <see cref="QuotaReader"/> does, where the ledger is distributed and profiles are not: the profile in one statement, and
/// the ledger's rows of the account in others, in one round trip.
/// </summary>
internal static class DistributedQuota
{
    /// <returns>null: there is no such account.</returns>
    public static async Task<QuotaSnapshot?> ReadAsync(
        Session session, Guid userId, PlanCatalog plans, CreditOrigins origins, TimeProvider time, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var account = new OneAccount(userId);
        var batch = new ReadBatch(session);
        var profiles = batch.List(
            $"select {EffectivePlan.Columns}, {ChosenOverage.Columns} from profiles p where p.id = {userId}",
            row => (Plan: plans.At(EffectivePlan.Read(row, 0), now), Overage: ChosenOverage.Read(row, EffectivePlan.ColumnCount)));
        var months = batch.List(
            $"""
            select {QuotaColumns.OfMonth(account, now)}, {QuotaColumns.Beyond(account, now)}
            from usage_monthly m
            where m.user_id = {userId} and m.month = {now.ToMonth()}
            """,
            static row => new Month(row.Int64(0), row.Int64(1), row.Int64(2), row.Int64(3), row.Int64(4)));
        var credits = plans.HasBeyond
            ? batch.List(
                $"select {QuotaColumns.Credits(account, origins, now)}", static row => row.Int64(0) + DueCredits.Read(row.TextOrNull(1)))
            : [];
        await batch.RunAsync(cancellationToken);
        if (profiles.Count == 0)
            return null;

        var (plan, overage) = profiles[0];
        var month = months.FirstOrDefault() ?? new Month(0, 0, 0, 0, 0);
        var units = new QuotaUnits(month.Used, month.Held);
        if (plans.HasBeyond)
        {
            units = units with
            {
                CoveredByCredits = month.Credits,
                Overage = month.Overage,
                CreditsLeft = Math.Max(0, credits[0]),
                OverageLimit = plan.OverageLimit(overage),
            };
        }

        return QuotaReader.CreateSnapshot(plan.WithExtra(month.Extra), units, now);
    }

    private sealed record Month(long Used, long Held, long Extra, long Credits, long Overage);
}
