using System.Diagnostics.CodeAnalysis;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Caches the last check until it is too old, the month ends, or this client changes the account. The
/// answers are created in advance, so that returning one allocates nothing. Thread-safe.</summary>
internal sealed class QuotaMemory(ApiTransport transport, TimeSpan maxAge)
{
    private Entry? _entry;

    public bool TryFind(MigrationTier tier, [NotNullWhen(true)] out Task<QuotaCheck>? answer)
    {
        var entry = Volatile.Read(ref _entry);
        var isValid = entry is not null && entry.Changes == transport.Changes && transport.Time.GetTimestamp() < entry.ValidUntil;
        answer = isValid ? entry!.Current(tier) : null;
        return answer is not null;
    }

    public async Task<QuotaCheck> AskAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        var changes = transport.Changes;
        var askedAt = transport.Time.GetTimestamp();
        var quota = await transport.GetQuotaAsync(cancellationToken).ConfigureAwait(false);
        var validUntil = askedAt + (long)(Lifetime(quota).TotalSeconds * transport.Time.TimestampFrequency);
        var entry = new Entry(changes, validUntil, Check(quota, MigrationTier.Tier1), Check(quota, MigrationTier.Tier2));
        Volatile.Write(ref _entry, entry);
        return entry.For(tier);
    }

    private TimeSpan Lifetime(QuotaSnapshot quota)
    {
        var restOfMonth = quota.ResetsAt == default ? maxAge : quota.ResetsAt - transport.ServerClock.Now;
        return restOfMonth < maxAge ? restOfMonth : maxAge;
    }

    private QuotaCheck Check(QuotaSnapshot quota, MigrationTier tier) =>
        new() { Quota = quota, Denial = Denials.From(quota, tier, transport.Settings) };

    private sealed class Entry(long changes, long validUntil, QuotaCheck tier1, QuotaCheck llm)
    {
        private readonly Task<QuotaCheck>? _tier1 = IsFinal(tier1) ? Task.FromResult(tier1) : null;
        private readonly Task<QuotaCheck>? _llm = IsFinal(llm) ? Task.FromResult(llm) : null;

        public long Changes => changes;

        /// <summary>A timestamp of the clock.</summary>
        public long ValidUntil => validUntil;

        public QuotaCheck For(MigrationTier tier) => tier == MigrationTier.Tier1 ? tier1 : llm;

        /// <summary><see langword="null"/> when the server's answer is not final: prepaid units may still allow the migration.</summary>
        public Task<QuotaCheck>? Current(MigrationTier tier) => tier == MigrationTier.Tier1 ? _tier1 : _llm;

        private static bool IsFinal(QuotaCheck check) => check.Denial?.Code != ProblemCodes.QuotaExceeded;
    }
}
