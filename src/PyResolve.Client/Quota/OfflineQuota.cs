namespace PyResolve.Client;

/// <summary>Decides on permits without the server, by prepaid units and by the policy. Thread-safe.</summary>
internal sealed class OfflineQuota(ClientSettings settings, LeaseLedger ledger, UsageReporter usage, TimeProvider time)
{
    public bool Decides(PyResolveException failure) => settings.Offline != OfflinePolicy.Deny && failure.IsOutOfReach;

    public async Task<QuotaPermit?> SpendAsync(MigrationRequest request, CancellationToken cancellationToken) =>
        settings.Offline == OfflinePolicy.Deny || usage.FindObstacle(request.Quantity) is not null
            ? null
            : (await TakeAsync(request, cancellationToken).ConfigureAwait(false)).Permit;

    /// <summary>Looks before it grants: work whose outcome could not be kept must not start.</summary>
    public async Task<QuotaPermit> DecideAsync(MigrationRequest request, PyResolveException failure, CancellationToken cancellationToken)
    {
        if (usage.FindObstacle(request.Quantity) is { } obstacle)
            return QuotaPermit.Denied(Denials.Unkept(failure, obstacle));
        var (permit, problem) = await TakeAsync(request, cancellationToken).ConfigureAwait(false);
        if (permit is not null)
            return permit;
        return IsUnlimited(request.Tier)
            ? QuotaPermit.Offline(new OfflineReservation(request, usage, time), taken: null)
            : QuotaPermit.Denied(Denials.Offline(request.Tier, failure, problem));
    }

    public async Task<QuotaCheck> CheckAsync(MigrationTier tier, PyResolveException failure, CancellationToken cancellationToken)
    {
        if (usage.FindObstacle(migrations: 1) is { } obstacle)
            return new() { Denial = Denials.Unkept(failure, obstacle) };
        if (IsUnlimited(tier))
            return new();
        var balances = await GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false);
        return balances.Left > 0 ? new() : new() { Denial = Denials.Offline(tier, failure, balances.Problem) };
    }

    public async Task<bool> CoversAsync(MigrationTier tier, CancellationToken cancellationToken) =>
        settings.Offline != OfflinePolicy.Deny && (await GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false)).Left > 0;

    public async Task<LeaseBalances> GetBalancesAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            return await ledger.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new([], ProblemOf(exception));
        }
    }

    private static LeaseProblem ProblemOf(Exception exception) =>
        exception is MissingLocksException ? LeaseProblem.NoLocks : LeaseProblem.Inaccessible;

    private bool IsUnlimited(MigrationTier tier) => tier == MigrationTier.Tier1 || settings.Offline == OfflinePolicy.Allow;

    private async Task<(QuotaPermit? Permit, LeaseProblem Problem)> TakeAsync(MigrationRequest request, CancellationToken cancellationToken)
    {
        if (request.Tier == MigrationTier.Tier1)
            return (null, LeaseProblem.None);
        try
        {
            var (taken, problem) = await ledger.TakeAsync(request.Tier, request.Quantity, cancellationToken).ConfigureAwait(false);
            return taken is null
                ? (null, problem)
                : (QuotaPermit.Offline(new OfflineReservation(request, usage, time, ledger, taken), taken), problem);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return (null, ProblemOf(exception));
        }
    }
}
