using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>Where an account stands this month: one row, whatever the number of events. Holds that are due count no longer.</summary>
internal sealed class QuotaReader(Database database, Plans plans, TimeProvider time)
{
    public Task<QuotaSnapshot> ReadAsync(Guid userId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => ReadAsync(session, userId, cancellationToken), cancellationToken);

    public async Task<QuotaSnapshot> ReadAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var month = now.ToMonth();
        var standing = await session.FirstAsync(
            $"""
            select {EffectivePlan.Columns}, coalesce(m.migrations, 0), coalesce(m.held, 0) - coalesce((
                select sum(r.remaining)
                from reservations r
                where r.user_id = {userId} and r.state = 'held' and r.expires_at <= {now} and r.month = {month}), 0)
            from profiles p
            left join usage_monthly m on m.user_id = p.id and m.month = {month}
            where p.id = {userId}
            """,
            row => new { Plan = EffectivePlan.Read(row, 0, now), Used = row.Int64(3), Held = row.Int64(4) },
            cancellationToken) ?? throw AccountGone.Exception();
        return Describe(plans[standing.Plan], standing.Used, standing.Held, now);
    }

    private static QuotaSnapshot Describe(Plan plan, long used, long held, DateTimeOffset now)
    {
        var remaining = plan.MigrationsLimit is { } limit ? QuotaLimit.Of(Math.Max(0, limit - used - held)) : QuotaLimit.Unlimited;
        return new QuotaSnapshot(
            plan.Name,
            used,
            plan.Limit,
            remaining,
            plan.LlmAllowed,
            CanMigrate: remaining.Value is not 0,
            held,
            now.ToMonth(),
            now.StartOfNextMonth());
    }
}
