using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// Writes events within a transaction: each id once, the units of the holds that they name, and the rollups. Few statements, whatever the
/// number of events. Locks are taken in one order on every instance: reservations, events, rollups, each by its key.
/// </summary>
internal static class LedgerWriter
{
    /// <summary>Records events of any accounts in the order in which they came, spends a unit of each hold that they name, and ends the transaction.</summary>
    /// <param name="session">The transaction.</param>
    /// <param name="postings">The events.</param>
    /// <param name="presumesNew">
    /// Whether no id is expected to be there already, which spares asking: events go with the last statements. Where one is, the store refuses them all.
    /// </param>
    /// <param name="cancellationToken">Abandons it, before its last statements.</param>
    /// <returns>How each ended.</returns>
    public static async Task<IReadOnlyList<RecordOutcome>> RecordAsync(
        Session session, IReadOnlyList<Posting> postings, bool presumesNew, CancellationToken cancellationToken)
    {
        var holds = await HeldUnits.LockAsync(session, NamedBy(postings), cancellationToken);
        var outcomes = new RecordOutcome[postings.Count];
        var admitted = new List<Posting>(postings.Count);
        var places = new List<int>(postings.Count);
        for (var i = 0; i < postings.Count; i++)
        {
            if (Judge(postings[i], holds) is { } refusal)
            {
                outcomes[i] = refusal;
                continue;
            }

            admitted.Add(InMonthOfHold(postings[i], holds));
            places.Add(i);
        }

        var inserted = presumesNew ? AllRecorded(admitted.Count) : await InsertAsync(session, admitted, cancellationToken);
        var (rollups, late) = (new Rollups(), new List<Posting>());
        for (var i = 0; i < admitted.Count; i++)
        {
            var posting = admitted[i];
            outcomes[places[i]] = inserted[i];
            if (inserted[i] is not RecordOutcome.Recorded)
                continue;
            rollups.Add(posting);
            if (posting.Event.ReservationId is { } hold && !holds.Spend(posting.UserId, hold, posting.Event.Id, posting.Event.ReceivedAt))
                late.Add(posting);
        }

        Sql[] events = presumesNew && admitted.Count > 0 ? [Insert(session, admitted)] : [];
        await session.EndAsync([.. events, .. rollups.Write(session), .. holds.Write(session), .. MarkLate(session, late)]);
        return outcomes;
    }

    /// <summary>Records events whose holds are the caller's to settle. The rollups are the caller's to write, once all events are there.</summary>
    /// <returns>How each ended.</returns>
    public static async Task<IReadOnlyList<RecordOutcome>> RecordSettledAsync(
        Session session, List<Posting> postings, Rollups rollups, CancellationToken cancellationToken)
    {
        var outcomes = await InsertAsync(session, postings, cancellationToken);
        for (var i = 0; i < outcomes.Length; i++)
        {
            if (outcomes[i] is RecordOutcome.Recorded)
                rollups.Add(postings[i]);
        }

        return outcomes;
    }

    private static RecordOutcome[] AllRecorded(int count)
    {
        var outcomes = new RecordOutcome[count];
        Array.Fill(outcomes, RecordOutcome.Recorded);
        return outcomes;
    }

    private static List<(Guid UserId, Guid Id)> NamedBy(IReadOnlyList<Posting> postings)
    {
        var named = new List<(Guid, Guid)>();
        foreach (var posting in postings)
        {
            if (posting.Event.ReservationId is { } id)
                named.Add((posting.UserId, id));
        }

        return named;
    }

    private static RecordOutcome? Judge(Posting posting, HeldUnits holds)
    {
        if (posting.Event.ReservationId is not { } id)
            return null;
        if (holds.Find(posting.UserId, id) is not { } hold)
            return RecordOutcome.NoSuchReservation;
        return hold.Tier == posting.Event.Tier ? null : RecordOutcome.OtherTier;
    }

    private static Posting InMonthOfHold(Posting posting, HeldUnits holds) =>
        posting.Event.ReservationId is { } id && holds.Find(posting.UserId, id)!.Month is var month && month != posting.Event.Month
            ? posting with { Event = posting.Event with { Month = month } }
            : posting;

    /// <summary>Stores what is new. Of several with one id the first counts, and the others are compared with what is stored.</summary>
    private static async Task<RecordOutcome[]> InsertAsync(Session session, List<Posting> postings, CancellationToken cancellationToken)
    {
        var firsts = new Dictionary<(Guid, Guid), Posting>(postings.Count);
        foreach (var posting in postings)
            firsts.TryAdd(posting.Key, posting);
        var fresh = await InsertFreshAsync(session, [.. firsts.Values], cancellationToken);
        var earlier = fresh.Count < firsts.Count
            ? await ReadDigestsAsync(session, [.. firsts.Keys.Where(key => !fresh.Contains(key))], cancellationToken)
            : [];

        var outcomes = new RecordOutcome[postings.Count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var posting = postings[i];
            if (fresh.Remove(posting.Key))
            {
                outcomes[i] = RecordOutcome.Recorded;
                continue;
            }

            var stored = earlier.TryGetValue(posting.Key, out var digest) ? digest : firsts[posting.Key].Event.PayloadDigest;
            outcomes[i] = posting.Event.PayloadDigest.AsSpan().SequenceEqual(stored) ? RecordOutcome.Duplicate : RecordOutcome.Conflict;
        }

        return outcomes;
    }

    /// <returns>Those that were not there.</returns>
    private static async Task<HashSet<(Guid UserId, Guid Id)>> InsertFreshAsync(
        Session session, List<Posting> postings, CancellationToken cancellationToken)
    {
        if (postings.Count == 0)
            return [];
        var fresh = await session.ListAsync(
            $"""
            {new SqlPart(Insert(session, postings))}
            on conflict (user_id, id) do nothing
            returning user_id, id
            """,
            static row => (row.Uuid(0), row.Uuid(1)),
            cancellationToken);
        return [.. fresh];
    }

    private static Sql Insert(Session session, List<Posting> postings)
    {
        var sent = session.Rows("sent", postings)
            .With("user_id", posting => posting.UserId)
            .With("id", posting => posting.Event.Id)
            .With("event_type", posting => posting.Event.EventType)
            .With("library", posting => posting.Event.Library)
            .With("tier", posting => posting.Event.Tier)
            .With("quantity", posting => posting.Event.Quantity)
            .With("files_changed", posting => posting.Event.FilesChanged)
            .With("tokens_used", posting => posting.Event.TokensUsed)
            .With("metadata", posting => posting.Event.Metadata)
            .With("month", posting => posting.Event.Month)
            .With("occurred_at", posting => posting.Event.OccurredAt)
            .With("created_at", posting => posting.Event.ReceivedAt)
            .With("reservation_id", posting => posting.Event.ReservationId)
            .With("late", posting => posting.Event.IsLate)
            .With("payload_digest", posting => posting.Event.PayloadDigest);
        return $"""
            insert into usage_events (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                                      occurred_at, created_at, reservation_id, late, payload_digest)
            select user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month,
                   occurred_at, created_at, reservation_id, late, payload_digest
            from {sent}
            where true
            order by user_id, id
            """;
    }

    private static async Task<Dictionary<(Guid UserId, Guid Id), byte[]>> ReadDigestsAsync(
        Session session, IReadOnlyList<(Guid UserId, Guid Id)> keys, CancellationToken cancellationToken)
    {
        var known = session.Rows("known", keys).With("user_id", key => key.UserId).With("id", key => key.Id);
        var stored = await session.ListAsync(
            $"select user_id, id, payload_digest from usage_events where (user_id, id) in (select user_id, id from {known})",
            static row => KeyValuePair.Create((row.Uuid(0), row.Uuid(1)), row.BytesOrNull(2) ?? []),
            cancellationToken);
        return new Dictionary<(Guid, Guid), byte[]>(stored);
    }

    /// <summary>Only once it is known which events are new is it known which of them found no unit left.</summary>
    private static IEnumerable<Sql> MarkLate(Session session, List<Posting> late)
    {
        if (late.Count == 0)
            yield break;
        var events = session.Rows("late_events", late).With("user_id", posting => posting.UserId).With("id", posting => posting.Event.Id);
        yield return $"update usage_events set late = {true} where (user_id, id) in (select user_id, id from {events})";
    }
}
