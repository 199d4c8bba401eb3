using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Holds on quota: granted, committed, released, expired, each exactly once. Locks are always taken in one order, so that no two
/// transactions wait for each other: the profile, then reservations, then rollups.
/// </summary>
internal sealed class Reservations(Database database, Plans plans, TimeProvider time)
{
    private const int MostOnceAnswers = 64;

    private static readonly TimeSpan OnceWindow = TimeSpan.FromHours(24);

    /// <summary>
    /// Grants a hold, or says why not. The account's row is locked first: its holds are decided one after the other, a retry waits for the
    /// first answer, and a change of plan counts from the next hold on.
    /// </summary>
    public Task<HoldOutcome> HoldAsync(Guid userId, HoldRequest wanted, string? idempotencyKey, CancellationToken cancellationToken) =>
        database.WriteAsync<HoldOutcome>(
            async session =>
            {
                var now = time.GetInstant();
                var plan = await LockAccountAsync(session, userId, now, cancellationToken);
                var digest = RequestDigests.Of(wanted);

                if (idempotencyKey is not null && await FindByIdempotencyKeyAsync(session, userId, idempotencyKey, now, cancellationToken) is { } first)
                {
                    return first.RequestDigest.AsSpan().SequenceEqual(digest)
                        ? new HoldOutcome.Granted(first, IsNew: true)
                        : new HoldOutcome.Conflict("This Idempotency-Key was used for another request. Use a new one for each new request.");
                }

                if (wanted.Tier is not "tier1" && !plan.LlmAllowed)
                    return new HoldOutcome.LlmNotAllowed(plan.Name);
                if (wanted.OnceKey is { } onceKey && await FindByOnceKeyAsync(session, userId, onceKey, now, cancellationToken) is { } same)
                {
                    return same.Tier == wanted.Tier && same.Quantity == wanted.Quantity
                        ? await AnswerOnceAsync(session, userId, same, cancellationToken)
                        : new HoldOutcome.Conflict($"This once_key stands for {same.Quantity} of {same.Tier}. Use another for other work.");
                }


                await ExpireDueAsync(session, userId, now, cancellationToken);
                return await GrantAsync(session, userId, plan, wanted, idempotencyKey, digest, now, cancellationToken);
            },
            cancellationToken);

    public Task<Hold?> FindAsync(Guid userId, Guid id, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.FirstAsync(
            $"select {Hold.Columns} from reservations where user_id = {userId} and id = {id}",
            row => Hold.Read(row, now),
            cancellationToken);
    }

    /// <summary>Turns a hold into one usage event and gives back what is left. A commit after expiry or release records too, flagged late.</summary>
    public Task<CommitOutcome> CommitAsync(Guid userId, Guid id, CommitRequest commit, CancellationToken cancellationToken) =>
        database.WriteAsync<CommitOutcome>(
            async session =>
            {
                var now = time.GetInstant();
                if (await LockAsync(session, userId, id, now, cancellationToken) is not { } locked)
                    return new CommitOutcome.NotFound();
                var (hold, stored) = locked;
                if (hold.State == ReservationStates.Committed)
                    return new CommitOutcome.Committed(hold.UsageEventId);

                // What an expired or released hold no longer holds was still worked for: all but what events have spent of it already.
                var isLate = hold.State != ReservationStates.Held;
                var available = isLate ? hold.Quantity - await SpentAsync(session, userId, id, cancellationToken) : hold.Remaining;
                if (commit.Quantity > available)
                    return new CommitOutcome.TooMany(Math.Max(0, available));
                if (available <= 0)
                {
                    await SettleAsync(session, userId, hold.Id, stored, ReservationStates.Committed, hold.UsageEventId, cancellationToken);
                    return new CommitOutcome.Committed(hold.UsageEventId);
                }

                var usage = UsageRecord.From(hold, commit, commit.Quantity ?? available, isLate, now);
                if (await UsageLedger.RecordAsync(session, userId, usage, cancellationToken) is not RecordOutcome.Recorded)
                    return new CommitOutcome.IdTaken();
                await SettleAsync(session, userId, hold.Id, stored, ReservationStates.Committed, usage.Id, cancellationToken);
                return new CommitOutcome.Committed(usage.Id);
            },
            cancellationToken);

    /// <summary>Gives a hold back. Doing so again, or after it expired, changes nothing more.</summary>
    public Task<ReleaseOutcome> ReleaseAsync(Guid userId, Guid id, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (await LockAsync(session, userId, id, time.GetInstant(), cancellationToken) is not { } locked)
                return ReleaseOutcome.NotFound;
            var (hold, stored) = locked;
            if (hold.State == ReservationStates.Committed)
                return ReleaseOutcome.Committed;
            if (hold.State != ReservationStates.Released)
                await SettleAsync(session, userId, hold.Id, stored, ReservationStates.Released, usageEventId: null, cancellationToken);
            return ReleaseOutcome.Released;
        },
        cancellationToken);

    private async Task<Plan> LockAccountAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var name = await session.FirstAsync(
            $"select {EffectivePlan.Columns} from profiles p where p.id = {userId} {session.Engine.ForUpdate}",
            row => EffectivePlan.Read(row, 0, now),
            cancellationToken);
        return plans[name ?? throw AccountGone.Exception()];
    }

    private static Task<Hold?> FindByIdempotencyKeyAsync(Session session, Guid userId, string key, DateTimeOffset now, CancellationToken cancellationToken) =>
        session.FirstAsync(
            $"select {Hold.Columns} from reservations where user_id = {userId} and idempotency_key = {key}",
            row => Hold.Read(row, now),
            cancellationToken);

    private static async Task<Hold?> FindByOnceKeyAsync(Session session, Guid userId, string onceKey, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var latest = await session.FirstAsync(
            $"""
            select {Hold.Columns}
            from reservations
            where user_id = {userId} and once_key = {onceKey} and created_at > {now - OnceWindow}
            order by created_at desc, id desc
            limit 1
            """,
            row => Hold.Read(row, now),
            cancellationToken);
        return latest is { State: ReservationStates.Held or ReservationStates.Committed } ? latest : null;
    }

    private static async Task<HoldOutcome> AnswerOnceAsync(Session session, Guid userId, Hold same, CancellationToken cancellationToken)
    {
        if (same.State == ReservationStates.Held)
            return new HoldOutcome.Granted(same, IsNew: false);
        if (same.OnceAnswers >= MostOnceAnswers)
            return new HoldOutcome.Conflict($"This once_key was answered {MostOnceAnswers} times without a debit. Use another for other work.");
        await session.ExecuteAsync(
            $"update reservations set once_answers = once_answers + 1 where user_id = {userId} and id = {same.Id}", cancellationToken);
        return new HoldOutcome.Granted(same, IsNew: false);
    }

    private static async Task<int> SpentAsync(Session session, Guid userId, Guid id, CancellationToken cancellationToken) => (int)(await session.NumberAsync(
        $"select sum(quantity) from usage_events where user_id = {userId} and reservation_id = {id}", cancellationToken) ?? 0);

    /// <summary>Gives back what due holds of the account still hold, in whichever month it counts.</summary>
    private static async Task ExpireDueAsync(Session session, Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = await session.ListAsync(
            $"""
            select id, month, remaining
            from reservations
            where user_id = {userId} and state = 'held' and expires_at <= {now}
            order by id {session.Engine.ForUpdate}
            """,
            static row => new StoredHold(row.Text(1), row.Int32(2), row.Uuid(0)),
            cancellationToken);
        foreach (var stored in due.OrderBy(hold => hold.Month, StringComparer.Ordinal))
            await SettleAsync(session, userId, stored.Id, stored, ReservationStates.Expired, usageEventId: null, cancellationToken);
    }

    /// <summary>Decides and takes the units by one conditional statement, then writes the hold beside them.</summary>
    private static async Task<HoldOutcome> GrantAsync(
        Session session, Guid userId, Plan plan, HoldRequest wanted, string? idempotencyKey, byte[] digest, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var month = now.ToMonth();
        await session.ExecuteAsync(
            $"insert into usage_monthly (user_id, month) values ({userId}, {month}) on conflict do nothing", cancellationToken);
        var granted = await session.FirstAsync(
            $"""
            update usage_monthly
            set held = held + {wanted.Quantity}
            where user_id = {userId} and month = {month}
              and ({plan.MigrationsLimit is null} or migrations + held + {wanted.Quantity} <= {plan.MigrationsLimit ?? 0})
            returning migrations, held - {wanted.Quantity}
            """,
            static row => new { Used = row.Int64(0), Held = row.Int64(1) },
            cancellationToken);
        if (granted is null)
            return await RefuseAsync(session, userId, plan, wanted, now, cancellationToken);

        var hold = new Hold
        {
            Id = Ids.Create(now),
            State = ReservationStates.Held,
            Quantity = wanted.Quantity,
            Remaining = wanted.Quantity,
            Tier = wanted.Tier,
            Library = wanted.Library,
            Month = month,
            ExpiresAt = now + wanted.TimeToLive,
            RequestDigest = digest,
            Receipt = Hold.ReceiptFor(plan.Name, plan.MigrationsLimit, granted.Used, granted.Held, wanted.Quantity),
        };
        await session.ExecuteAsync(
            $"""
            insert into reservations (user_id, id, state, quantity, remaining, tier, library, month, machine, created_at, expires_at,
                                      idempotency_key, request_digest, once_key, plan, plan_limit, used_before, held_before)
            values ({userId}, {hold.Id}, {hold.State}, {hold.Quantity}, {hold.Remaining}, {hold.Tier}, {hold.Library}, {hold.Month},
                    {wanted.Machine}, {now}, {hold.ExpiresAt}, {idempotencyKey}, {digest}, {wanted.OnceKey}, {plan.Name},
                    {plan.MigrationsLimit}, {granted.Used}, {granted.Held})
            """,
            cancellationToken);
        return new HoldOutcome.Granted(hold, IsNew: true);
    }

    private static async Task<HoldOutcome> RefuseAsync(
        Session session, Guid userId, Plan plan, HoldRequest wanted, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var standing = await session.FirstAsync(
            $"select migrations, held from usage_monthly where user_id = {userId} and month = {now.ToMonth()}",
            static row => new { Used = row.Int64(0), Held = row.Int64(1) },
            cancellationToken);
        return new HoldOutcome.QuotaExceeded(plan.Name, plan.MigrationsLimit ?? 0, standing!.Used, standing.Held, wanted.Quantity, now.StartOfNextMonth());
    }

    /// <returns>The hold as it stands now, and what its row still holds in which month.</returns>
    private static async Task<(Hold Hold, StoredHold Stored)?> LockAsync(Session session, Guid userId, Guid id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var found = await session.FirstAsync(
            $"select {Hold.Columns} from reservations where user_id = {userId} and id = {id} {session.Engine.ForUpdate}",
            row => new { Hold = Hold.Read(row, now), StoredState = row.Text(1), StoredRemaining = row.Int32(3) },
            cancellationToken);
        if (found is null)
            return null;
        var held = found.StoredState == ReservationStates.Held ? found.StoredRemaining : 0;
        return (found.Hold, new StoredHold(found.Hold.Month, held, id));
    }

    private static async Task SettleAsync(
        Session session, Guid userId, Guid id, StoredHold stored, string state, Guid? usageEventId, CancellationToken cancellationToken)
    {
        await session.ExecuteAsync(
            $"update reservations set state = {state}, remaining = 0, usage_event_id = {usageEventId} where user_id = {userId} and id = {id}",
            cancellationToken);
        if (stored.Held > 0)
        {
            await session.ExecuteAsync(
                $"update usage_monthly set held = held - {stored.Held} where user_id = {userId} and month = {stored.Month}", cancellationToken);
        }
    }

    /// <summary>What a reservation's row still holds of its month's quota.</summary>
    private sealed record StoredHold(string Month, int Held, Guid Id);
}
