using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Decides requests for holds one after the other, as if each were alone, in memory: the accounts and their months are locked meanwhile, and
/// what was decided is written afterwards. Grants are partial in the order of arrival; one that is too large does not stand in the way.
/// </summary>
/// <param name="now">The instant of all decisions of a group.</param>
/// <param name="givesLeases">Whether a hold for a machine is leased.</param>
internal sealed class HoldDecisions(DateTimeOffset now, bool givesLeases)
{
    private const int MostOnceAnswers = 64;

    private readonly Dictionary<Guid, Account> _accounts = [];
    private readonly Dictionary<(Guid UserId, string Key), Remembered> _byIdempotencyKey = [];
    private readonly Dictionary<(Guid UserId, string Key), Hold> _byOnceKey = [];
    private readonly Dictionary<(Guid UserId, Guid Id), int> _answers = [];

    public List<Hold> Granted { get; } = [];

    /// <summary>How often holds were given as the answer to other requests for the same work.</summary>
    public IReadOnlyCollection<KeyValuePair<(Guid UserId, Guid Id), int>> Answers => _answers;

    /// <summary>Requests with an Idempotency-Key that were answered by a hold of another request.</summary>
    public List<(HoldItem Item, Guid Id)> Repeated { get; } = [];

    public MonthChanges Months { get; } = new();

    public void Add(Guid userId, Plan plan, MonthStanding standing) => _accounts[userId] = new Account(plan, standing.Used, standing.Held);

    /// <summary>A hold that a request with this key was given before.</summary>
    public void Remember(string idempotencyKey, byte[] digest, Hold hold, bool isNew) =>
        _byIdempotencyKey[(hold.UserId, idempotencyKey)] = new Remembered(hold.At(now), digest, isNew);

    /// <summary>The latest hold for this work.</summary>
    public void Remember(Hold hold) => _byOnceKey[(hold.UserId, hold.OnceKey!)] = hold.At(now);

    /// <summary>A due hold has given back what it held.</summary>
    public void Settle(Hold before, Hold after)
    {
        Months.Settle(before, after);
        if (before.Month == now.ToMonth() && _accounts.TryGetValue(before.UserId, out var account))
            account.Settle(before, after);
    }

    public HoldOutcome Decide(HoldItem item)
    {
        if (!_accounts.TryGetValue(item.UserId, out var account))
            return new HoldOutcome.AccountIsGone();
        if (item.IdempotencyKey is { } key && _byIdempotencyKey.TryGetValue((item.UserId, key), out var first))
        {
            return first.Digest.AsSpan().SequenceEqual(item.Digest)
                ? new HoldOutcome.Granted(first.Hold, first.IsNew, Quota: null)
                : new HoldOutcome.Conflict("This Idempotency-Key was used for another request. Use a new one for each new request.");
        }

        var same = FindSame(item);
        // Judged when it was granted, whatever the plan has become.
        if (same is not null && same.Tier == item.Wanted.Tier && same.Quantity == item.Wanted.Quantity)
            return Repeat(item, same);
        if (item.Wanted.Tier is not "tier1" && !account.Plan.LlmAllowed)
            return new HoldOutcome.LlmNotAllowed(account.Plan.Name);
        return same is null
            ? Grant(item, account)
            : new HoldOutcome.Conflict($"This once_key stands for {same.Quantity} of {same.Tier}. Use another for other work.");
    }

    /// <summary>The hold that stands for the same work, if there is one.</summary>
    private Hold? FindSame(HoldItem item) =>
        item.Wanted.OnceKey is { } onceKey
        && _byOnceKey.TryGetValue((item.UserId, onceKey), out var hold)
        && hold.State is ReservationStates.Held or ReservationStates.Committed
            ? hold
            : null;

    private HoldOutcome Repeat(HoldItem item, Hold same)
    {
        var key = (same.UserId, same.Id);
        if (same.State == ReservationStates.Committed)
        {
            var answers = _answers.GetValueOrDefault(key);
            if (same.OnceAnswers + answers >= MostOnceAnswers)
                return new HoldOutcome.Conflict($"This once_key was answered {MostOnceAnswers} times without a debit. Use another for other work.");
            _answers[key] = answers + 1;
        }

        if (item.IdempotencyKey is { } idempotencyKey)
        {
            Repeated.Add((item, same.Id));
            Remember(idempotencyKey, item.Digest, same, isNew: false);
        }

        return new HoldOutcome.Granted(same, IsNew: false, Quota: null);
    }

    private HoldOutcome Grant(HoldItem item, Account account)
    {
        var (wanted, plan) = (item.Wanted, account.Plan);
        if (plan.MigrationsLimit is { } limit && account.Used + account.Held + wanted.Quantity > limit)
            return new HoldOutcome.QuotaExceeded(plan.Name, limit, account.Used, account.Held, wanted.Quantity, now.StartOfNextMonth());

        var hold = new Hold
        {
            UserId = item.UserId,
            Id = Ids.Create(now),
            StoredState = ReservationStates.Held,
            Quantity = wanted.Quantity,
            Remaining = wanted.Quantity,
            Tier = wanted.Tier,
            Library = wanted.Library,
            Month = now.ToMonth(),
            Machine = wanted.Machine,
            CreatedAt = now,
            ExpiresAt = now + wanted.TimeToLive,
            IsLeased = givesLeases && wanted.Machine is not null,
            IdempotencyKey = item.IdempotencyKey,
            RequestDigest = item.Digest,
            OnceKey = wanted.OnceKey,
            Plan = plan.Name,
            PlanLimit = plan.MigrationsLimit,
            UsedBefore = account.Used,
            HeldBefore = account.Held,
        };
        account.Hold(wanted.Quantity);
        Months[item.UserId, hold.Month].Grant(wanted.Quantity, plan.MigrationsLimit);
        Granted.Add(hold);
        if (hold.IdempotencyKey is { } idempotencyKey)
            Remember(idempotencyKey, item.Digest, hold, isNew: true);
        if (hold.OnceKey is not null)
            Remember(hold);
        return new HoldOutcome.Granted(hold, IsNew: true, QuotaReader.Describe(plan, account.Used, account.Held, now));
    }

    private sealed record Remembered(Hold Hold, byte[] Digest, bool IsNew);

    private sealed class Account(Plan plan, long used, long held)
    {
        public Plan Plan => plan;

        public long Used { get; private set; } = used;

        public long Held { get; private set; } = held;

        public void Hold(int quantity) => Held += quantity;

        public void Settle(Hold before, Hold after)
        {
            Used += after.Lapsed - before.Lapsed;
            Held += after.Remaining - before.Remaining;
        }
    }
}
