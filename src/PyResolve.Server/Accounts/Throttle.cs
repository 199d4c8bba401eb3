using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>How many attempts one subject, such as an account or an address, may make within a sliding window.</summary>
internal sealed record ThrottleRule(string Kind, int Limit, TimeSpan Window)
{
    public ThrottleMeter For(string subject) => new(this, subject);
}

internal sealed record ThrottleMeter(ThrottleRule Rule, string Subject);

/// <summary>Attempts that were recorded. With a <c>RetryAfter</c> the limit was reached and nothing was recorded.</summary>
internal sealed record ThrottledAttempt(IReadOnlyList<Guid> Ids, TimeSpan? RetryAfter = null);

/// <summary>
/// Limits guessing. Attempts are stored, so that the limit holds across instances and restarts. An attempt is committed before the guess
/// is checked, and withdrawn if it was right: of any number of concurrent guesses, at most the limit are checked.
/// </summary>
internal sealed class Throttle(Database database, ThrottleRules rules, TimeProvider time)
{
    public ThrottleRules Rules => rules;

    /// <summary>Returns how long to wait where the limit is reached now, by a read alone: a flood must cost little.</summary>
    public Task<TimeSpan?> WaitAsync(IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken) =>
        database.ReadAsync(session => WaitAsync(session, meters, cancellationToken), cancellationToken);

    /// <summary>
    /// The meters of a login. A network from which the account was logged into before has a count of its own: strangers who guess cannot
    /// lock the owner out there.
    /// </summary>
    public async Task<IReadOnlyList<ThrottleMeter>> LogInAsync(string email, string? address, CancellationToken cancellationToken)
    {
        var (subject, network) = (ThrottleRules.OfEmail(email), ThrottleRules.NetworkOf(address));
        var isKnown = await database.ReadAsync(
            session => session.NumberAsync(
                $"select count(*) from login_networks where subject = {subject} and network = {network}", cancellationToken),
            cancellationToken) > 0;
        return rules.LogIn(email, address, isKnown);
    }

    /// <summary>Remembers the network that the account was logged into from.</summary>
    public Task KnowNetworkAsync(Session session, string email, string? address, CancellationToken cancellationToken) =>
        session.ExecuteAsync(
            $"""
            insert into login_networks (subject, network, seen_at)
            values ({ThrottleRules.OfEmail(email)}, {ThrottleRules.NetworkOf(address)}, {time.GetInstant()})
            on conflict (subject, network) do update set seen_at = excluded.seen_at
            """,
            cancellationToken);

    /// <summary>Forgets the failed guesses of everybody, and the known networks, since others may have known the password.</summary>
    public static async Task ForgetLogInsAsync(Session session, string email, CancellationToken cancellationToken)
    {
        var subject = ThrottleRules.OfEmail(email);
        await session.ExecuteAsync(
            $"""
            delete from attempts
            where (kind = {ThrottleRules.LogInKind} and subject = {subject})
               or (kind = {ThrottleRules.KnownLogInKind}
                   and subject in (select subject || ' ' || network from login_networks where subject = {subject}))
            """,
            cancellationToken);
        await session.ExecuteAsync($"delete from login_networks where subject = {subject}", cancellationToken);
    }

    public async Task<ThrottledAttempt> RecordAsync(IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken)
    {
        if (await WaitAsync(meters, cancellationToken) is { } wait)
            return new ThrottledAttempt([], wait);
        return await database.WriteAsync(session => RecordAsync(session, meters, cancellationToken), cancellationToken);
    }

    private async Task<ThrottledAttempt> RecordAsync(
        Session session, IReadOnlyList<ThrottleMeter> meters, CancellationToken cancellationToken)
    {
        // Always in the same order, or two attempts could deadlock.
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
                $"insert into attempts (id, kind, subject, at) values ({id}, {meter.Rule.Kind}, {meter.Subject}, {now})",
                cancellationToken);
            ids.Add(id);
        }

        return new ThrottledAttempt(ids);
    }

    public static async Task WithdrawAsync(Session session, ThrottledAttempt attempt, CancellationToken cancellationToken)
    {
        foreach (var id in attempt.Ids)
            await session.ExecuteAsync($"delete from attempts where id = {id}", cancellationToken);
    }

    /// <summary>The longest wait of all meters: until the oldest attempt that counts leaves the window.</summary>
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
