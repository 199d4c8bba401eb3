using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>Reads the month's row alone: the cost does not grow with events. Expired reservations count as settled. Thread-safe.</summary>
internal sealed class QuotaReader(Database database, PlanCatalog plans, CreditOrigins origins, TimeProvider time)
{
    /// <summary>The time limit of a read. Many accounts' figures at once take a busy store longer than one row does.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly SharedReads<Guid, QuotaSnapshot> _shared = new(
        userIds => database.ReadWithTimeoutAsync(
            (session, token) => ReadAsync(session, userIds, plans, origins, time, token), Timeout, CancellationToken.None));

    /// <summary>Reads the quota, with everything that was committed before the call.</summary>
    /// <remarks>Where the rows are distributed, a read with others would fail with the machine that has theirs.</remarks>
    public async Task<QuotaSnapshot> ReadAsync(Guid userId, CancellationToken cancellationToken) =>
        (database.Engine.IsDistributed
            ? await database.OfAccount(userId).ReadWithTimeoutAsync(
                (session, token) => DistributedQuota.ReadAsync(session, userId, plans, origins, time, token), Timeout, cancellationToken)
            : await _shared.ReadAsync(userId, cancellationToken))
        ?? throw AccountGone.Exception();

    public static QuotaSnapshot CreateSnapshot(Plan plan, QuotaUnits units, DateTimeOffset now)
    {
        var (used, held) = (units.Used, units.Held);
        var remaining = plan.MigrationsLimit is { } limit
            ? QuotaLimit.Of(Math.Max(0, limit - used - held))
            : QuotaLimit.Unlimited;
        return new QuotaSnapshot(
            plan.Name,
            used,
            plan.Limit,
            remaining,
            plan.LlmAllowed,
            CanMigrate: plan.MigrationsLimit is not { } most || units.PlanLeft(most) > 0 || units.HasBeyond,
            held,
            now.ToMonth(),
            now.StartOfNextMonth())
        {
            Credits = plan.DrawsCredits ? units.CreditsLeft : null,
            OverageUsed = plan.Overage is null ? null : units.Overage,
            OverageCap = plan.Overage is null ? null : units.OverageLimit,
        };
    }

    private static async Task<IReadOnlyDictionary<Guid, QuotaSnapshot>> ReadAsync(
        Session session, IReadOnlyList<Guid> userIds, PlanCatalog plans, CreditOrigins origins, TimeProvider time,
        CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var month = now.ToMonth();
        var asked = session.Rows("asked", userIds).With("user_id", static id => id);
        SqlPart? beyond = plans.HasBeyond
            ? new SqlPart($", {QuotaColumns.Beyond(default, now)}, {QuotaColumns.Credits(default, origins, now)}, {ChosenOverage.Columns}")
            : null;
        var snapshots = await session.ListAsync(
            $"""
            select p.id, {EffectivePlan.Columns},
                   {QuotaColumns.OfMonth(default, now)} {beyond}
            from {asked}
            join profiles p on p.id = asked.user_id
            left join usage_monthly m on m.user_id = p.id and m.month = {month}
            """,
            row => (
                UserId: row.Uuid(0),
                Quota: CreateSnapshot(
                    plans.At(EffectivePlan.Read(row, 1), now).WithExtra(row.Int64(7)), ReadUnits(row, plans, now), now)),
            cancellationToken);
        var byAccount = new Dictionary<Guid, QuotaSnapshot>(snapshots.Count);
        foreach (var (userId, quota) in snapshots)
            byAccount[userId] = quota;
        return byAccount;
    }

    private static QuotaUnits ReadUnits(Row row, PlanCatalog plans, DateTimeOffset now)
    {
        var units = new QuotaUnits(row.Int64(5), row.Int64(6));
        return !plans.HasBeyond ? units : units with
        {
            CoveredByCredits = row.Int64(8),
            Overage = row.Int64(9),
            CreditsLeft = Math.Max(0, row.Int64(10) + DueCredits.Read(row.TextOrNull(11))),
            OverageLimit = plans.At(EffectivePlan.Read(row, 1), now).OverageLimit(ChosenOverage.Read(row, 12)),
        };
    }
}
