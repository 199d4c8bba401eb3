using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>Decides in memory, in order of arrival, while accounts and months are locked. A refusal does not affect later ones.</summary>
internal sealed class ReservationDecisions(DateTimeOffset now, bool givesLeases)
{
    private const int MaxOnceAnswers = 64;

    private static readonly TimeSpan ShortestTimeToLive = TimeSpan.FromSeconds(1);

    private readonly Dictionary<Guid, AccountUnits> _accounts = [];
    private readonly Dictionary<(Guid UserId, string Key), Earlier> _byIdempotencyKey = [];
    private readonly Dictionary<(Guid UserId, string Key), StoredReservation> _byOnceKey = [];
    private readonly Dictionary<(Guid UserId, Guid Id), int> _onceAnswers = [];

    public List<StoredReservation> Granted { get; } = [];

    /// <summary>Counts how often committed reservations answered other requests with their once_key.</summary>
    public IReadOnlyCollection<KeyValuePair<(Guid UserId, Guid Id), int>> OnceAnswers => _onceAnswers;

    /// <summary>Requests with an Idempotency-Key that were answered with the reservation of another request.</summary>
    public List<(PendingReservation Request, Guid Id)> Repeated { get; } = [];

    public MonthChanges Months { get; } = new();

    public void AddAccount(
        Guid userId, Plan plan, MonthTotals totals, IEnumerable<CreditGrant>? grants = null, ChosenOverage? overage = null,
        DateTimeOffset? overageEnds = null) =>
        _accounts[userId] = new AccountUnits(plan.WithExtra(totals.Extra), totals, grants ?? [], overage, overageEnds);

    /// <summary>
    /// Adds the answer of an earlier request. <paramref name="isNew"/>: whether the request with this key created the reservation.
    /// </summary>
    public void AddEarlier(string idempotencyKey, byte[] digest, StoredReservation reservation, bool isNew) =>
        _byIdempotencyKey[(reservation.UserId, idempotencyKey)] = new Earlier(reservation.At(now), digest, isNew);

    public void AddLatest(StoredReservation reservation) => _byOnceKey[(reservation.UserId, reservation.OnceKey!)] = reservation.At(now);

    public void Settle(StoredReservation before, StoredReservation after)
    {
        Months.Settle(before, after);
        if (_accounts.TryGetValue(before.UserId, out var account))
            account.Settle(before, after, isOfMonth: before.Month == now.ToMonth());
    }

    public ReservationOutcome Decide(PendingReservation request)
    {
        if (!_accounts.TryGetValue(request.UserId, out var account))
            return new ReservationOutcome.AccountDeleted();
        if (request.IdempotencyKey is { } key && _byIdempotencyKey.TryGetValue((request.UserId, key), out var earlier))
        {
            return earlier.Digest.AsSpan().SequenceEqual(request.Digest)
                ? new ReservationOutcome.Granted(earlier.Reservation, earlier.IsNew, Quota: null)
                : new ReservationOutcome.Conflict(ProblemTexts.IdempotencyKeyUsed);
        }

        var same = FindSame(request);
        // Before the plan is checked: it was when the reservation was granted.
        if (same is not null && same.Tier == request.Tier && same.Quantity == request.Quantity)
            return Repeat(request, same);
        if (!account.Plan.Tiers.Contains(request.Tier))
            return new ReservationOutcome.TierNotAllowed(request.Tier, account.Plan);
        return same is null
            ? Grant(request, account)
            : new ReservationOutcome.Conflict($"This once_key stands for {same.Quantity} of {same.Tier}. Use another for other work.");
    }

    private StoredReservation? FindSame(PendingReservation request) =>
        request.OnceKey is { } onceKey
        && _byOnceKey.TryGetValue((request.UserId, onceKey), out var reservation)
        && reservation.State is ReservationStates.Held or ReservationStates.Committed
            ? reservation
            : null;

    private ReservationOutcome Repeat(PendingReservation request, StoredReservation same)
    {
        var key = (same.UserId, same.Id);
        if (same.State == ReservationStates.Committed)
        {
            var answers = _onceAnswers.GetValueOrDefault(key);
            if (same.OnceAnswers + answers >= MaxOnceAnswers)
            {
                return new ReservationOutcome.Conflict(
                    $"This once_key was answered {MaxOnceAnswers} times without a debit. Use another for other work.");
            }

            _onceAnswers[key] = answers + 1;
        }

        if (request.IdempotencyKey is { } idempotencyKey)
        {
            Repeated.Add((request, same.Id));
            AddEarlier(idempotencyKey, request.Digest, same, isNew: false);
        }

        return new ReservationOutcome.Granted(same, IsNew: false, Quota: null);
    }

    private ReservationOutcome Grant(PendingReservation request, AccountUnits account)
    {
        var plan = account.Plan;
        var end = now + request.TimeToLive;
        var beyond = account.Draw(request.Quantity, end, out var isEnough);
        if (!isEnough)
        {
            account.Draw(request.Quantity, now + ShortestTimeToLive, out var isEnoughWhenShorter);
            return new ReservationOutcome.QuotaExceeded(
                plan.Name, plan.MigrationsLimit!.Value, account.Used, account.Held, request.Quantity, now.StartOfNextMonth())
            {
                Beyond = account.BeyondUntil(end),
                OverageEnds = isEnoughWhenShorter ? account.OverageEnds : null,
            };
        }

        var reservation = new StoredReservation
        {
            UserId = request.UserId,
            Id = Ids.Create(now),
            StoredState = ReservationStates.Held,
            Quantity = request.Quantity,
            Remaining = request.Quantity,
            Tier = request.Tier,
            Library = request.Library,
            Month = now.ToMonth(),
            Machine = request.Machine,
            CreatedAt = now,
            ExpiresAt = end,
            IsLeased = givesLeases && request.Machine is not null,
            IdempotencyKey = request.IdempotencyKey,
            RequestDigest = request.Digest,
            OnceKey = request.OnceKey,
            KeyId = request.KeyId,
            Plan = plan.Name,
            PlanLimit = plan.MigrationsLimit,
            UsedBefore = account.Used,
            HeldBefore = account.Held,
            Beyond = beyond,
        };
        account.Reserve(request.Quantity, beyond);
        Months[request.UserId, reservation.Month].Grant(request.Quantity, MostOf(account), beyond);
        Granted.Add(reservation);
        if (reservation.IdempotencyKey is { } idempotencyKey)
            AddEarlier(idempotencyKey, request.Digest, reservation, isNew: true);
        if (reservation.OnceKey is not null)
            AddLatest(reservation);
        return new ReservationOutcome.Granted(reservation, IsNew: true, QuotaReader.CreateSnapshot(plan, account.Units, now));
    }

    /// <summary>
    /// The most units that the month may have now: beyond the plan's limit only those that were drawn, or used without a reservation.
    /// </summary>
    private static long? MostOf(AccountUnits account) =>
        account.Plan.MigrationsLimit is { } limit ? Math.Max(limit, account.Used + account.Held) : null;

    private sealed record Earlier(StoredReservation Reservation, byte[] Digest, bool IsNew);
}
