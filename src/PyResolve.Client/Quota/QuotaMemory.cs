using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// The last look at the quota, for as long as it is good: young enough, of this month, and from after whatever this client itself last did.
/// Its answers are made beforehand, so that giving one costs no memory. Thread-safe.
/// </summary>
internal sealed class QuotaMemory(ApiTransport transport, TimeSpan maxAge)
{
    private Entry? _entry;

    /// <summary>Gives the remembered answer, where there is one that is good.</summary>
    public bool TryFind(MigrationTier tier, [NotNullWhen(true)] out Task<QuotaCheck>? answer)
    {
        var entry = Volatile.Read(ref _entry);
        var isGood = entry is not null && entry.Changes == transport.Changes && transport.Time.GetTimestamp() < entry.GoodUntil;
        answer = isGood ? entry!.Lasting(tier) : null;
        return answer is not null;
    }

    /// <summary>Asks, and remembers the answer.</summary>
    public async Task<QuotaCheck> AskAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        var changes = transport.Changes;
        var asked = transport.Time.GetTimestamp();
        var quota = await transport.GetQuotaAsync(cancellationToken).ConfigureAwait(false);
        var goodUntil = asked + (long)(Lifetime(quota).TotalSeconds * transport.Time.TimestampFrequency);
        var entry = new Entry(changes, goodUntil, Check(quota, MigrationTier.Tier1), Check(quota, MigrationTier.Tier2));
        Volatile.Write(ref _entry, entry);
        return entry.For(tier);
    }

    private TimeSpan Lifetime(QuotaSnapshot quota)
    {
        var month = quota.ResetsAt == default ? maxAge : quota.ResetsAt - transport.ServerClock.Now;
        return month < maxAge ? month : maxAge;
    }

    private static QuotaCheck Check(QuotaSnapshot quota, MigrationTier tier) => new() { Quota = quota, Denial = Denials.From(quota, tier) };

    private sealed class Entry(long changes, long goodUntil, QuotaCheck tier1, QuotaCheck llm)
    {
        private readonly Task<QuotaCheck>? _tier1 = IsLasting(tier1) ? Task.FromResult(tier1) : null;
        private readonly Task<QuotaCheck>? _llm = IsLasting(llm) ? Task.FromResult(llm) : null;

        public long Changes => changes;

        /// <summary>A timestamp of the clock's.</summary>
        public long GoodUntil => goodUntil;

        public QuotaCheck For(MigrationTier tier) => tier == MigrationTier.Tier1 ? tier1 : llm;

        /// <summary><see langword="null"/> where more than the server's word decides: what is prepaid may still allow it.</summary>
        public Task<QuotaCheck>? Lasting(MigrationTier tier) => tier == MigrationTier.Tier1 ? _tier1 : _llm;

        private static bool IsLasting(QuotaCheck check) => check.Denial?.Code != ProblemCodes.QuotaExceeded;
    }
}
