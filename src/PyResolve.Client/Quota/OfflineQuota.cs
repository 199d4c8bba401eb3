namespace PyResolve.Client;

/// <summary>Decides without the server: by what was prepaid, and by the policy. Thread-safe.</summary>
internal sealed class OfflineQuota(ClientSettings settings, LeaseLedger ledger, UsageReporter usage, TimeProvider time)
{
    /// <summary>Whether the policy has an answer where the server gave none.</summary>
    public bool Takes(PyResolveException failure) =>
        settings.Offline != OfflinePolicy.Deny && failure.IsOutOfReach;

    /// <summary>A permit from what was prepaid; <see langword="null"/> when that does not cover it.</summary>
    public async Task<QuotaPermit?> SpendAsync(MigrationRequest request, CancellationToken cancellationToken) =>
        settings.Offline == OfflinePolicy.Deny ? null : (await TakeAsync(request, cancellationToken).ConfigureAwait(false)).Permit;

    /// <summary>The policy's answer.</summary>
    public async Task<QuotaPermit> DecideAsync(MigrationRequest request, PyResolveException failure, CancellationToken cancellationToken)
    {
        var (permit, fault) = await TakeAsync(request, cancellationToken).ConfigureAwait(false);
        if (permit is not null)
            return permit;
        return GoesOn(request.Tier)
            ? QuotaPermit.Offline(new OfflineHold(request, usage, time), take: null)
            : QuotaPermit.Denied(Denials.Offline(request.Tier, failure, fault));
    }

    /// <summary>What <see cref="DecideAsync"/> would say of one migration.</summary>
    public async Task<QuotaCheck> LookAsync(MigrationTier tier, PyResolveException failure, CancellationToken cancellationToken)
    {
        if (GoesOn(tier))
            return new();
        var standing = await LookAsync(tier, cancellationToken).ConfigureAwait(false);
        return standing.Left > 0 ? new() : new() { Denial = Denials.Offline(tier, failure, standing.Fault) };
    }

    /// <summary>Whether what was prepaid covers one migration.</summary>
    public async Task<bool> CoversAsync(MigrationTier tier, CancellationToken cancellationToken) =>
        settings.Offline != OfflinePolicy.Deny && (await LookAsync(tier, cancellationToken).ConfigureAwait(false)).Left > 0;

    private async Task<LeaseStanding> LookAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            return await ledger.LookAsync(tier, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new([], LeaseFault.Inaccessible);
        }
    }

    private bool GoesOn(MigrationTier tier) => tier == MigrationTier.Tier1 || settings.Offline == OfflinePolicy.Allow;

    private async Task<(QuotaPermit? Permit, LeaseFault Fault)> TakeAsync(MigrationRequest request, CancellationToken cancellationToken)
    {
        if (request.Tier == MigrationTier.Tier1)
            return (null, LeaseFault.None);
        try
        {
            var (take, fault) = await ledger.TakeAsync(request.Tier, request.Quantity, cancellationToken).ConfigureAwait(false);
            return (take is null ? null : QuotaPermit.Offline(new OfflineHold(request, usage, time, ledger, take), take), fault);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (null, LeaseFault.Inaccessible);
        }
    }
}
