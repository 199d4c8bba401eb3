using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Usage;

/// <summary>The ledger of two new accounts, with three reservations each: of one unit, of three, and one that is due.</summary>
internal sealed class LedgerModel
{
    public const int ReservationsPerAccount = 3;

    private static readonly int[] Units = [1, 3, 2];

    private readonly DateTimeOffset _now;
    private readonly Guid[] _accounts;
    private readonly Guid[] _ids;
    private readonly Guid[][] _reservations;
    private readonly int[][] _remaining = [[.. Units], [.. Units]];
    private readonly Dictionary<(int Account, int Id), LedgerModelTests.Sent> _stored = [];
    private readonly HashSet<(int Account, int Id)> _late = [];

    public LedgerModel(DateTimeOffset now)
    {
        _now = now;
        _accounts = [Ids.Create(now), Ids.Create(now)];
        _ids = [.. Enumerable.Range(0, 10).Select(_ => Ids.Create(now))];
        _reservations = [.. _accounts.Select(_ => Enumerable.Range(0, ReservationsPerAccount + 1).Select(_ => Ids.Create(now)).ToArray())];
    }

    public RecordOutcome Record(LedgerModelTests.Sent sent)
    {
        if (sent.Reservation == ReservationsPerAccount)
            return RecordOutcome.ReservationNotFound;
        if (sent.Reservation is not null && sent.Tier != "tier1")
            return RecordOutcome.TierMismatch;
        if (_stored.TryGetValue((sent.Account, sent.Id), out var stored))
            return (stored.Payload, stored.Reservation, stored.Tier) == (sent.Payload, sent.Reservation, sent.Tier)
                ? RecordOutcome.Duplicate
                : RecordOutcome.Conflict;
        _stored[(sent.Account, sent.Id)] = sent;
        if (sent.Reservation is { } reservation
            && (reservation == ReservationsPerAccount - 1 || _remaining[sent.Account][reservation]-- <= 0))
        {
            _late.Add((sent.Account, sent.Id));
        }

        return RecordOutcome.Recorded;
    }

    public PendingUsageEvent ToPendingEvent(LedgerModelTests.Sent sent) => new(_accounts[sent.Account], new UsageEvent
    {
        Id = _ids[sent.Id],
        EventType = UsageEvent.Migration,
        Library = sent.Payload == 0 ? null : "pydantic",
        Tier = sent.Tier,
        TokensUsed = sent.Payload * 10,
        Metadata = new JsonText("{}"),
        Month = _now.ToMonth(),
        OccurredAt = _now,
        ReceivedAt = _now,
        KeyId = sent.Key > 0 ? _ids[sent.Key] : null,
        ReservationId = sent.Reservation is { } reservation ? _reservations[sent.Account][reservation] : null,
        PayloadDigest = [(byte)sent.Payload, (byte)(sent.Reservation ?? 9), (byte)sent.Tier[^1]],
    });

    public async Task WriteReservationsAsync(Session session)
    {
        for (var account = 0; account < _accounts.Length; account++)
        {
            for (var reservation = 0; reservation < ReservationsPerAccount; reservation++)
            {
                // Granted in October, so that their events count there.
                await session.ExecuteAsync(
                    $"""
                    insert into reservations (user_id, id, state, quantity, remaining, tier, month, created_at, expires_at,
                                              request_digest, plan, used_before, held_before)
                    values ({_accounts[account]}, {_reservations[account][reservation]}, 'held',
                            {Units[reservation]}, {Units[reservation]}, 'tier1', '2026-10', {_now.AddDays(-20)},
                            {(reservation == ReservationsPerAccount - 1 ? _now : _now.AddDays(1))}, {new byte[] { 1 }}, 'pro', 0, 0)
                    """,
                    CancellationToken.None);
            }

            await session.ExecuteAsync(
                $"insert into usage_monthly (user_id, month, held) values ({_accounts[account]}, '2026-10', {Units.Sum()})",
                CancellationToken.None);
        }
    }

    public async Task<bool> ShouldBeStoredAsync(Session session)
    {
        for (var account = 0; account < _accounts.Length; account++)
        {
            var events = await session.ListAsync(
                $"select id, late, month from usage_events where user_id = {_accounts[account]}",
                static row => (Id: row.Uuid(0), Late: row.Boolean(1), Month: row.Text(2)),
                CancellationToken.None);
            events.ShouldBe(
                _stored.Where(stored => stored.Key.Account == account)
                    .Select(
                        stored => (
                            _ids[stored.Key.Id],
                            _late.Contains(stored.Key),
                            stored.Value.Reservation is null ? "2026-11" : "2026-10")),
                ignoreOrder: true);
            // The last one is due, and may be swept at any time.
            for (var reservation = 0; reservation < ReservationsPerAccount - 1; reservation++)
            {
                var remaining = await session.NumberAsync(
                    $"select cast(remaining as bigint) from reservations where user_id = {_accounts[account]} and id = "
                    + $"{_reservations[account][reservation]}",
                    CancellationToken.None);
                remaining.ShouldBe(Math.Max(0, _remaining[account][reservation]));
            }
        }

        return true;
    }
}
