using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>How many attempts of a kind one subject may make within a sliding window.</summary>
internal sealed record ThrottleRule(string Kind, int Limit, TimeSpan Window)
{
    public ThrottleMeter For(string subject) => new(this, subject);
}

/// <summary>A rule and whom it counts.</summary>
internal sealed record ThrottleMeter(ThrottleRule Rule, string Subject);

/// <summary>An attempt that counts, or how long to wait before one may be made.</summary>
internal sealed record ThrottledAttempt(IReadOnlyList<Guid> Ids, TimeSpan? RetryAfter = null);

/// <summary>
/// Limits what can be tried by guessing. Attempts lie in the store, so that the limit holds across instances and restarts. One is
/// recorded, and committed, before the guess is looked at, and withdrawn when it was no guess: however many try at the same moment, no
/// more than the limit are looked at.
/// </summary>
internal sealed class Throttle(Database database, TimeProvider time)
{
    /// <summary>Reads whether an attempt would be refused now: what a flood meets, which must cost little.</summary>
    /// <returns>How long to wait, or <see langword="null"/>.</returns>
    public Task<TimeSpan?> WaitAsync(IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken) =>
        database.ReadAsync(session => WaitAsync(session, meters, cancellationToken), cancellationToken);

    /// <summary>Records an attempt in a transaction of its own, unless one of its meters is full, which a flood is told after one read.</summary>
    public async Task<ThrottledAttempt> RecordAsync(IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken) =>
        await WaitAsync(meters, cancellationToken) is { } full ? new ThrottledAttempt([], full) : await RecordUnlessFullAsync(meters, cancellationToken);

    private Task<ThrottledAttempt> RecordUnlessFullAsync(IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            // Always in the same order, or two attempts could wait for each other.
            foreach (var key in meters.Select(LockKey).Order())
                await session.Engine.LockAsync(session, key, cancellationToken);
            if (await WaitAsync(session, meters, cancellationToken) is { } wait)
                return new ThrottledAttempt([], wait);

            var now = time.GetInstant();
            var ids = new List<Guid>(meters.Count);
            foreach (var meter in meters)
            {
                var id = Guid.CreateVersion7(now);
                await session.ExecuteAsync(
                    $"insert into attempts (id, kind, subject, at) values ({id}, {meter.Rule.Kind}, {meter.Subject}, {now})", cancellationToken);
                ids.Add(id);
            }

            return new ThrottledAttempt(ids);
        },
        cancellationToken);

    /// <summary>Takes an attempt back that turned out to be none, within a transaction of the caller's.</summary>
    public static async Task WithdrawAsync(Session session, ThrottledAttempt attempt, CancellationToken cancellationToken)
    {
        foreach (var id in attempt.Ids)
            await session.ExecuteAsync($"delete from attempts where id = {id}", cancellationToken);
    }

    /// <summary>Forgets what was counted against a subject, within a transaction of the caller's.</summary>
    public static Task ForgetAsync(Session session, ThrottleMeter meter, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"delete from attempts where kind = {meter.Rule.Kind} and subject = {meter.Subject}", cancellationToken);

    /// <summary>The longest wait of all meters: until the oldest attempt that fills one leaves its window.</summary>
    private async Task<TimeSpan?> WaitAsync(Session session, IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        TimeSpan? longest = null;
        foreach (var (rule, subject) in meters)
        {
            var filledBy = await session.FirstAsync(
                $"""
                select at
                from attempts
                where kind = {rule.Kind} and subject = {subject} and at > {now - rule.Window}
                order by at desc
                limit 1 offset {rule.Limit - 1}
                """,
                static row => new Moment(row.Instant(0)),
                cancellationToken);
            if (filledBy is not null && (longest is null || filledBy.At + rule.Window - now > longest))
                longest = filledBy.At + rule.Window - now;
        }

        return longest;
    }

    private static long LockKey(ThrottleMeter meter) =>
        BinaryPrimitives.ReadInt64BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{meter.Rule.Kind} {meter.Subject}")));

    private sealed record Moment(DateTimeOffset At);
}
