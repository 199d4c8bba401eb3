using PyResolve.Client.Wire;

namespace PyResolve.Client;

#pragma warning disable CA1001 // The token source has neither a timer nor a wait handle: no disposal is needed.

/// <summary>Requests a lease when few prepaid units of a tier are left, and returns expired or replaced ones after all usage events that
/// spent them were sent. One process of an account does it at a time. Thread-safe.</summary>
internal sealed class LeaseRenewer(ApiTransport transport, LeaseFolder folder, LeaseLedger ledger, UsageReporter usage)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ClientSettings _settings = transport.Settings;
    private readonly TrustRefresher _trust = new(transport, folder);
    private readonly Gate _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<MigrationTier, long> _lastStarts = [];
    private Task _running = Task.CompletedTask;
    private bool _closing;

    /// <summary>After an answer of the server: renews and returns leases in the background, at most once a minute for each tier.</summary>
    public void Start(MigrationTier tier, QuotaSnapshot? quota)
    {
        if (!IsPrepaid(tier) && !folder.Exists && usage.IsDrained)
            return;
        lock (_gate)
        {
            var isTooSoon = _lastStarts.TryGetValue(tier, out var last) && transport.Time.GetElapsedTime(last) < Interval;
            if (_closing || !_running.IsCompleted || isTooSoon)
                return;
            _lastStarts[tier] = transport.Time.GetTimestamp();
            _running = Task.Run(() => RunAsync(tier, quota));
        }
    }

    /// <summary>Makes sure that all units to prepay are available; asks the server only if they are not.</summary>
    public async Task<LeaseBalances> PrepayAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            var account = await _trust.GetAccountAsync(cancellationToken).ConfigureAwait(false);
            using var turn = await LockRenewalAsync(account, cancellationToken).ConfigureAwait(false);
            // First, because the account may have quota left only after leases are returned.
            await IgnoreFailureAsync(() => ReturnLeasesAsync(tier, cancellationToken)).ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            await RenewAsync(account, tier, quota: null, least: _settings.PrepaidMigrations, cancellationToken).ConfigureAwait(false);
            return await ledger.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable("Nothing can be prepaid on this machine", exception);
        }
    }

    /// <summary>Returns the leases of a tier that no open permit spends, whatever is left of them.</summary>
    /// <returns>What was left of them.</returns>
    public async Task<LeaseBalances> ReturnAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            // A lease that is closed here can no longer be spent: only when there is a server to return it to.
            await transport.GetQuotaAsync(cancellationToken).ConfigureAwait(false);
            if (folder.LoadTrust()?.Account is not { } account)
                return new([], LeaseProblem.None);
            using var turn = await LockRenewalAsync(account, cancellationToken).ConfigureAwait(false);
            var before = await ledger.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false);
            var closed = await ledger.CloseAsync((lease, _) => lease.Tier == tier.ToWire(), cancellationToken).ConfigureAwait(false);
            await ReturnClosedAsync(closed, cancellationToken).ConfigureAwait(false);
            return before with { Items = [.. before.Items.Where(balance => closed.Contains(balance.Lease.Id))] };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable("What is prepaid on this machine cannot be returned", exception);
        }
    }

    /// <summary>Returns the leases that are expired or used up.</summary>
    /// <returns>Their number.</returns>
    public async Task<int> SettleAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (!folder.Exists || folder.LoadTrust()?.Account is not { } account)
                return 0;
            using var turn = await LockRenewalAsync(account, cancellationToken).ConfigureAwait(false);
            var closed = await ledger.CloseAsync(static (_, _) => false, cancellationToken).ConfigureAwait(false);
            return await ReturnClosedAsync(closed, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw Unwritable("What is prepaid on this machine cannot be returned", exception);
        }
    }

    /// <summary>Starts no further work, and waits for running work for at most the shutdown timeout.</summary>
    public async Task CloseAsync()
    {
        Task running;
        lock (_gate)
        {
            _closing = true;
            running = _running;
        }

        if (!running.IsCompleted)
        {
            using var done = new CancellationTokenSource();
            await Task.WhenAny(running, transport.Time.DelayAsync(_settings.ShutdownTimeout, done.Token)).ConfigureAwait(false);
            done.Cancel();
            _end.Cancel();
            await running.ConfigureAwait(false);
        }
    }

    /// <summary>tier1 is not limited offline: a lease for it would reserve units for nothing.</summary>
    private bool IsPrepaid(MigrationTier tier) =>
        tier != MigrationTier.Tier1 && _settings.PrepaidMigrations > 0 && _settings.Offline != OfflinePolicy.Deny;

    private async Task<IDisposable> LockRenewalAsync(Guid account, CancellationToken cancellationToken)
    {
        var start = transport.Time.GetTimestamp();
        while (true)
        {
            if (folder.TryLockRenewal(account) is { } turn)
                return turn;
            if (transport.Time.GetElapsedTime(start) > _settings.RequestTimeout)
                throw new PyResolveException(PyResolveErrorCodes.Timeout, "Another process is still requesting a lease.", "Try again.");
            await transport.Time.DelayAsync(TimeSpan.FromMilliseconds(20), cancellationToken).ConfigureAwait(false);
        }
    }

    private static PyResolveException Unwritable(string cause, Exception exception) => new(
        PyResolveErrorCodes.Offline,
        $"{cause} ({Redaction.Line(exception.Message)}).",
        "Make ~/.pyresolve/leases writable for you, or set PYRESOLVE_HOME to another folder.",
        exception);

    private async Task RunAsync(MigrationTier tier, QuotaSnapshot? quota)
    {
        Guid? account = null;
        await IgnoreFailureAsync(async () => account = IsPrepaid(tier)
            ? await _trust.GetAccountAsync(_end.Token).ConfigureAwait(false)
            : folder.LoadTrust()?.Account).ConfigureAwait(false);
        if (account is { } known)
            await IgnoreFailureAsync(() => RenewAndReturnAsync(known, tier, quota)).ConfigureAwait(false);
        if (!usage.IsDrained)
            await IgnoreFailureAsync(() => usage.FlushAsync(_end.Token)).ConfigureAwait(false);
    }

    private async Task RenewAndReturnAsync(Guid account, MigrationTier tier, QuotaSnapshot? quota)
    {
        using var turn = folder.TryLockRenewal(account);
        if (turn is null)
            return;
        if (IsPrepaid(tier))
        {
            var half = (_settings.PrepaidMigrations + 1) / 2;
            await IgnoreFailureAsync(() => RenewAsync(account, tier, quota, half, _end.Token)).ConfigureAwait(false);
        }

        await ReturnLeasesAsync(tier, _end.Token).ConfigureAwait(false);
    }

    private static async Task IgnoreFailureAsync(Func<Task> act)
    {
        try
        {
            await act().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Background work must not fail the caller's, and the host's handlers may throw any exception. The next answer tries again.
        }
    }

    /// <summary>Requests the units that are missing, when less than <paramref name="least"/> are left.</summary>
    private async Task RenewAsync(
        Guid account, MigrationTier tier, QuotaSnapshot? quota, int least, CancellationToken cancellationToken)
    {
        var path = folder.RequestPath(account, tier);
        var request = LoadUnanswered(path)
            ?? await CreateRequestAsync(account, tier, quota, least, cancellationToken).ConfigureAwait(false);
        if (request is null)
            return;
        await _trust.RefreshAsync(cancellationToken).ConfigureAwait(false);
        Reservation reservation;
        try
        {
            reservation = await transport.CreateReservationAsync(
                request.Body, request.IdempotencyKey, cancellationToken).ConfigureAwait(false);
        }
        catch (PyResolveException exception)
            when (exception.Status is >= 400 and < 500 and not 429 && exception.Code != PyResolveErrorCodes.UnexpectedAnswer)
        {
            // The request was refused, so that nothing is reserved.
            File.Delete(path);
            throw;
        }

        var problem = reservation.Lease is { } token
            ? await ledger.AddAsync(token, reservation.Id, cancellationToken).ConfigureAwait(false)
            : LeaseProblem.Forged;
        if (problem != LeaseProblem.None)
            await ReleaseAsync(reservation.Id, cancellationToken).ConfigureAwait(false);
        File.Delete(path);
        if (problem != LeaseProblem.None)
            throw NoLease(reservation.Lease, problem);
    }

    private static PyResolveException NoLease(string? lease, LeaseProblem problem)
    {
        var (cause, hint) = lease is null
            ? ("This server issues no leases, so that nothing can be prepaid.", "Ask its operator to set PYRESOLVE_LEASE_KEY.")
            : problem == LeaseProblem.Unverifiable
                ? ("Nothing can be prepaid: this runtime cannot verify signatures.", "Use .NET Framework 4.7 or later, or .NET.")
                : ("The server issued a lease that none of its public keys verifies.", "Ask its operator to check PYRESOLVE_LEASE_KEY.");
        return new(PyResolveErrorCodes.Offline, cause, hint);
    }

    private LeaseRequest? LoadUnanswered(string path) =>
        LeaseRequest.Load(path) is { } request
        && folder.Machine.Is(request.Machine)
        && transport.ServerClock.Now < request.AskedAt + TimeSpan.FromSeconds(request.TtlSeconds)
            ? request
            : null;

    private async Task<LeaseRequest?> CreateRequestAsync(
        Guid account, MigrationTier tier, QuotaSnapshot? quota, int least, CancellationToken cancellationToken)
    {
        var fresh = CountFresh(await ledger.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false));
        if (fresh >= least)
            return null;
        quota ??= await transport.GetQuotaAsync(cancellationToken).ConfigureAwait(false);
        var units = (int)Math.Min(_settings.PrepaidMigrations - fresh, quota.MigrationsRemaining.Value ?? long.MaxValue);
        if (units <= 0)
            return null;
        var request = new LeaseRequest(
            Uuid.NewVersion7(transport.Time).ToString("D"),
            units,
            tier.ToWire(),
            (int)_settings.PrepaidLifetime.TotalSeconds,
            folder.Machine.Current,
            transport.ServerClock.Now);
        request.Save(folder.RequestPath(account, tier));
        return request;
    }

    /// <summary>Usage events that spent the leases are sent first: an event that arrives after the return would count as late.</summary>
    private async Task ReturnLeasesAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        var fresh = CountFresh(await ledger.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false));
        var closed = await ledger.CloseAsync(IsReplaced, cancellationToken).ConfigureAwait(false);
        await ReturnClosedAsync(closed, cancellationToken).ConfigureAwait(false);

        bool IsReplaced(Lease lease, bool isValid) =>
            IsPrepaid(tier) && lease.Tier == tier.ToWire() && (!isValid || !IsFresh(lease)) && fresh * 2 >= _settings.PrepaidMigrations;
    }

    private async Task<int> ReturnClosedAsync(IReadOnlyList<Guid> closed, CancellationToken cancellationToken)
    {
        if (closed.Count == 0)
            return 0;
        if (!usage.IsDrained)
            await usage.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!usage.IsDrained)
            return 0;
        foreach (var lease in closed)
        {
            await ReleaseAsync(lease, cancellationToken).ConfigureAwait(false);
            await ledger.RemoveAsync(lease).ConfigureAwait(false);
        }

        return closed.Count;
    }

    private int CountFresh(LeaseBalances balances) =>
        balances.Items.Where(balance => IsFresh(balance.Lease)).Sum(static balance => balance.Left);

    private bool IsFresh(Lease lease) => (lease.ExpiresAt - transport.ServerClock.Now).Ticks * 4 > (lease.ExpiresAt - lease.IssuedAt).Ticks;

    private async Task ReleaseAsync(Guid reservation, CancellationToken cancellationToken)
    {
        try
        {
            await transport.ReleaseReservationAsync(reservation, cancellationToken).ConfigureAwait(false);
        }
        catch (PyResolveException exception)
            when (exception.Status is 404 or 409 && exception.Code != PyResolveErrorCodes.UnexpectedAnswer)
        {
            // It is settled already, because its last unit was reported, or it expired too long ago.
        }
    }
}
