using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Alerts;

/// <summary><c>ReachedAt</c>: when this month reached it; null: not yet.</summary>
internal sealed record AlertRule(int Percent, DateTimeOffset? ReachedAt);

/// <summary>At which shares of the month's quota, in per cent, an account gets an email.</summary>
internal sealed class AlertRules(Database database, TimeProvider time)
{
    public const int MaxPercent = 200;
    public const int MaxRules = 10;

    /// <summary>Percentages that are on by default, without a row.</summary>
    public static readonly int[] Defaults = [80, 100];

    /// <summary>Smallest first.</summary>
    public Task<List<AlertRule>> ReadAsync(Guid userId, CancellationToken cancellationToken) =>
        database.ReadAsync(session => ReadAsync(session, userId, cancellationToken), cancellationToken);

    /// <summary>A percentage that this month has already passed sends no email.</summary>
    /// <returns>false: the account has <see cref="MaxRules"/> others.</returns>
    public Task<bool> AddAsync(
        Guid userId, int percent, long used, long? limit, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            await LockAsync(session, userId, cancellationToken);
            var rules = await ReadAsync(session, userId, cancellationToken);
            if (rules.Exists(rule => rule.Percent == percent))
                return true;
            if (rules.Count >= MaxRules)
                return false;
            await SetAsync(session, userId, percent, isOn: true, cancellationToken);
            if (limit is { } units && used * 100 >= percent * units)
            {
                var now = time.GetInstant();
                await session.ExecuteAsync(
                    $"""
                    insert into usage_alerts (user_id, month, percent, used, plan_limit, reached_at, letter_id)
                    values ({userId}, {now.ToMonth()}, {percent}, {used}, {units}, {now}, {Ids.Create(now)})
                    on conflict do nothing
                    """,
                    cancellationToken);
            }

            return true;
        },
        cancellationToken);

    public Task RemoveAsync(Guid userId, int percent, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            await LockAsync(session, userId, cancellationToken);
            if ((await ReadAsync(session, userId, cancellationToken)).Exists(rule => rule.Percent == percent))
                await SetAsync(session, userId, percent, isOn: false, cancellationToken);
        },
        cancellationToken);

    /// <summary>Within the caller's transaction.</summary>
    public static async Task RemoveAllAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync($"delete from alert_rules where user_id = {userId}", cancellationToken);
        await session.ExecuteAsync($"delete from usage_alerts where user_id = {userId}", cancellationToken);
    }

    private async Task<List<AlertRule>> ReadAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var changed = (await session.ListAsync(
            $"select percent, is_on from alert_rules where user_id = {userId}",
            static row => (Percent: row.Int32(0), IsOn: row.Boolean(1)),
            cancellationToken)).ToDictionary(static rule => rule.Percent, static rule => rule.IsOn);
        var reached = (await session.ListAsync(
            $"select percent, reached_at from usage_alerts where user_id = {userId} and month = {time.GetInstant().ToMonth()}",
            static row => (Percent: row.Int32(0), At: row.Instant(1)),
            cancellationToken)).ToDictionary(static alert => alert.Percent, static alert => alert.At);
        return
        [
            .. Defaults.Where(percent => !changed.ContainsKey(percent))
                .Concat(changed.Where(static rule => rule.Value).Select(static rule => rule.Key))
                .Order()
                .Select(percent => new AlertRule(percent, reached.TryGetValue(percent, out var at) ? at : null)),
        ];
    }

    private Task<int> SetAsync(Session session, Guid userId, int percent, bool isOn, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into alert_rules (user_id, percent, is_on, changed_at) values ({userId}, {percent}, {isOn}, {time.GetInstant()})
            on conflict (user_id, percent) do update set is_on = excluded.is_on, changed_at = excluded.changed_at
            """,
            cancellationToken);

    private static async Task LockAsync(Session session, Guid userId, CancellationToken cancellationToken)
    {
        var found = await session.ListAsync(
            $"select id from profiles where id = {userId} and deleted_at is null {session.Engine.ForUpdate}",
            static row => row.Uuid(0),
            cancellationToken);
        if (found.Count == 0)
            throw AccountGone.Exception();
    }
}
