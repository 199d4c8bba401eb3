using PyResolve.Client.Wire;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Usage;

/// <summary>
/// The ledger: an event is stored exactly once for its id, and the month's rollup moves in the same transaction. Usage that has happened is
/// recorded even past the limit.
/// </summary>
internal sealed class UsageLedger(Database database, TimeProvider time)
{
    /// <summary>Records an event that has passed <see cref="UsageRules"/>, and spends a unit of the hold that it names.</summary>
    public Task<RecordOutcome> RecordAsync(Guid userId, UsageEventRequest usage, CancellationToken cancellationToken)
    {
        var record = UsageRecord.From(usage, time.GetInstant());
        return database.WriteAsync(
            session => record.ReservationId is { } reservationId
                ? RecordOnHoldAsync(session, userId, record, reservationId, cancellationToken)
                : RecordAsync(session, userId, record, cancellationToken),
            cancellationToken);
    }

    /// <summary>Within a transaction of the caller's, who has locked the hold that the event names, if any.</summary>
    public static async Task<RecordOutcome> RecordAsync(Session session, Guid userId, UsageRecord usage, CancellationToken cancellationToken)
    {
        var inserted = await session.ExecuteAsync(
            $"""
            insert into usage_events (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                                      occurred_at, created_at, reservation_id, late, payload_digest)
            values ({userId}, {usage.Id}, {usage.EventType}, {usage.Library}, {usage.Tier}, {usage.Quantity}, {usage.FilesChanged},
                    {usage.TokensUsed}, {usage.Metadata}, {usage.Month}, {usage.OccurredAt}, {usage.ReceivedAt}, {usage.ReservationId},
                    {usage.IsLate}, {usage.PayloadDigest})
            on conflict (user_id, id) do nothing
            """,
            cancellationToken);
        if (inserted == 0)
            return await CompareAsync(session, userId, usage, cancellationToken);

        await session.ExecuteAsync(
            $"""
            insert into usage_monthly (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
            values ({userId}, {usage.Month}, {usage.Migrations}, {usage.Tier1Migrations}, {usage.LlmMigrations}, {usage.TokensUsed}, {usage.FilesChanged})
            on conflict (user_id, month) do update set
                migrations = usage_monthly.migrations + excluded.migrations,
                tier1_migrations = usage_monthly.tier1_migrations + excluded.tier1_migrations,
                llm_migrations = usage_monthly.llm_migrations + excluded.llm_migrations,
                total_tokens = usage_monthly.total_tokens + excluded.total_tokens,
                total_files_changed = usage_monthly.total_files_changed + excluded.total_files_changed
            """,
            cancellationToken);
        if (usage.Migrations > 0 || usage.TokensUsed > 0)
            await MoveDayAsync(session, userId, usage, cancellationToken);
        if (usage.Migrations > 0)
            await MoveLibraryAsync(session, userId, usage, cancellationToken);
        return RecordOutcome.Recorded;
    }

    private static Task<int> MoveDayAsync(Session session, Guid userId, UsageRecord usage, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        insert into usage_daily (user_id, month, date, migrations, tokens)
        values ({userId}, {usage.Month}, {usage.OccurredAt.ToDate()}, {usage.Migrations}, {usage.TokensUsed})
        on conflict (user_id, month, date) do update set
            migrations = usage_daily.migrations + excluded.migrations,
            tokens = usage_daily.tokens + excluded.tokens
        """,
        cancellationToken);

    private static Task<int> MoveLibraryAsync(Session session, Guid userId, UsageRecord usage, CancellationToken cancellationToken) => session.ExecuteAsync(
        $"""
        insert into usage_libraries (user_id, month, library, migrations)
        values ({userId}, {usage.Month}, {usage.Library ?? ""}, {usage.Migrations})
        on conflict (user_id, month, library) do update set migrations = usage_libraries.migrations + excluded.migrations
        """,
        cancellationToken);

    private static async Task<RecordOutcome> CompareAsync(Session session, Guid userId, UsageRecord usage, CancellationToken cancellationToken)
    {
        var stored = await session.FirstAsync(
            $"select payload_digest from usage_events where user_id = {userId} and id = {usage.Id}",
            static row => row.BytesOrNull(0) ?? [],
            cancellationToken);
        return usage.PayloadDigest.AsSpan().SequenceEqual(stored) ? RecordOutcome.Duplicate : RecordOutcome.Conflict;
    }

    private static async Task<RecordOutcome> RecordOnHoldAsync(
        Session session, Guid userId, UsageRecord usage, Guid reservationId, CancellationToken cancellationToken)
    {
        var stored = (await HoldRows.LockAsync(session, [(userId, reservationId)], cancellationToken)).SingleOrDefault();
        if (stored is null)
            return RecordOutcome.NoSuchReservation;
        if (stored.Tier != usage.Tier)
            return RecordOutcome.OtherTier;
        var hold = stored.At(usage.ReceivedAt);
        var outcome = await RecordAsync(session, userId, usage with { Month = hold.Month, IsLate = !hold.Covers }, cancellationToken);
        if (outcome is RecordOutcome.Recorded)
        {
            var after = hold.Spend(usage.Id);
            var months = new MonthChanges();
            months.Settle(stored, after);
            await HoldRows.WriteAsync(session, [after], cancellationToken);
            await HoldRows.MoveMonthsAsync(session, months.All, cancellationToken);
        }

        return outcome;
    }
}
