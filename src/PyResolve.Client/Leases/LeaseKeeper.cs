using PyResolve.Client.Wire;

namespace PyResolve.Client;

#pragma warning disable CA1001 // The token source has neither a timer nor a wait handle: nothing in it needs disposal, and what is under way may still ask it.

/// <summary>
/// Speaks with the server about leases: asks for one where the prepaid units of a tier run low, and gives back what ended or was replaced,
/// once every event that it was spent for has arrived. One process of an account does it at a time. Thread-safe.
/// </summary>
internal sealed class LeaseKeeper(ApiTransport transport, LeaseFolder folder, LeaseLedger ledger, UsageReporter usage)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ClientSettings _settings = transport.Settings;
    private readonly Gate _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<MigrationTier, long> _lastBegun = [];
    private Task _running = Task.CompletedTask;
    private bool _closing;

    /// <summary>After an answer of the server's: does in the background what is to be done, at most once a minute.</summary>
    /// <param name="tier">The tier that was just used.</param>
    /// <param name="quota">Where the account stands.</param>
    public void Begin(MigrationTier tier, QuotaSnapshot? quota)
    {
        if (!Keeps(tier) && !folder.Exists && usage.IsDrained)
            return;
        lock (_gate)
        {
            var isTooSoon = _lastBegun.TryGetValue(tier, out var last) && transport.Time.GetElapsedTime(last) < Interval;
            if (_closing || !_running.IsCompleted || isTooSoon)
                return;
            _lastBegun[tier] = transport.Time.GetTimestamp();
            _running = Task.Run(() => MaintainAsync(tier, quota));
        }
    }

    /// <summary>Makes sure that at least half of the prepaid units of a tier are at hand. Where they are, the server is not asked.</summary>
    /// <exception cref="PyResolveException">They cannot be had, or cannot be kept.</exception>
    public async Task<LeaseStanding> PrepayAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            return await PrepayInTurnAsync(tier, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new PyResolveException(
                PyResolveErrorCodes.Offline,
                $"Nothing can be prepaid on this machine ({Redaction.Line(exception.Message)}). Make ~/.pyresolve/leases yours to write, or set PYRESOLVE_HOME to another folder.",
                exception);
        }
    }

    /// <summary>Waits for what is under way, as long as a client that ends may.</summary>
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
            await Task.WhenAny(running, transport.Time.Pause(_settings.ShutdownTimeout, done.Token)).ConfigureAwait(false);
            done.Cancel();
            _end.Cancel();
            await running.ConfigureAwait(false);
        }
    }

    /// <summary>tier1 is not bounded offline: a lease for it would hold units for nothing.</summary>
    private bool Keeps(MigrationTier tier) => tier != MigrationTier.Tier1 && _settings.PrepaidMigrations > 0 && _settings.Offline != OfflinePolicy.Deny;

    private async Task<LeaseStanding> PrepayInTurnAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        var account = await KnowAccountAsync(cancellationToken).ConfigureAwait(false);
        var start = transport.Time.GetTimestamp();
        while (true)
        {
            using (var turn = folder.TryLockRenewal(account))
            {
                if (turn is not null)
                {
                    // What goes back may be what is missing.
                    await TryAsync(() => SettleAsync(tier, cancellationToken)).ConfigureAwait(false);
                    cancellationToken.ThrowIfCancellationRequested();
                    await RenewAsync(account, tier, quota: null, cancellationToken).ConfigureAwait(false);
                    return await ledger.LookAsync(tier, cancellationToken).ConfigureAwait(false);
                }
            }

            if (transport.Time.GetElapsedTime(start) > _settings.RequestTimeout)
                throw new PyResolveException(PyResolveErrorCodes.Timeout, "Another process has been asking for a lease all the while. Try again.");
            await transport.Time.Pause(TimeSpan.FromMilliseconds(20), cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task MaintainAsync(MigrationTier tier, QuotaSnapshot? quota)
    {
        Guid? account = null;
        await TryAsync(async () => account = Keeps(tier) ? await KnowAccountAsync(_end.Token).ConfigureAwait(false) : folder.LoadTrust()?.Account).ConfigureAwait(false);
        if (account is { } known)
            await TryAsync(() => MaintainAsync(known, tier, quota)).ConfigureAwait(false);
        if (!usage.IsDrained)
            await TryAsync(() => usage.FlushAsync(_end.Token)).ConfigureAwait(false);
    }

    private async Task MaintainAsync(Guid account, MigrationTier tier, QuotaSnapshot? quota)
    {
        using var turn = folder.TryLockRenewal(account);
        if (turn is null)
            return;
        if (Keeps(tier))
            await TryAsync(() => RenewAsync(account, tier, quota, _end.Token)).ConfigureAwait(false);
        await SettleAsync(tier, _end.Token).ConfigureAwait(false);
    }

    private static async Task TryAsync(Func<Task> act)
    {
        try
        {
            await act().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // Whatever it was, a handler of the host's included: the work that goes on needs none of it, and the next answer tries again.
        }
    }

    private async Task<Guid> KnowAccountAsync(CancellationToken cancellationToken) =>
        folder.LoadTrust()?.Account ?? (await LearnAsync(cancellationToken).ConfigureAwait(false)).Account;

    /// <summary>Learns whose key this is, once, and what the server signs by, before each lease: a key that leaked is to be forgotten.</summary>
    private async Task<LeaseTrust> LearnAsync(CancellationToken cancellationToken)
    {
        var keys = await transport.GetLeaseKeysAsync(cancellationToken).ConfigureAwait(false);
        var known = folder.LoadTrust();
        var account = known?.Account ?? (await transport.GetAccountAsync(cancellationToken).ConfigureAwait(false)).UserId;
        var trust = new LeaseTrust(account, known?.Issuer, keys.Keys);
        folder.Save(trust);
        return trust;
    }

    private async Task RenewAsync(Guid account, MigrationTier tier, QuotaSnapshot? quota, CancellationToken cancellationToken)
    {
        var path = folder.RequestPath(account, tier);
        var request = Unanswered(path) ?? await PrepareAsync(account, tier, quota, cancellationToken).ConfigureAwait(false);
        if (request is null)
            return;
        await LearnAsync(cancellationToken).ConfigureAwait(false);
        Reservation reservation;
        try
        {
            reservation = await transport.CreateReservationAsync(request.Body, request.IdempotencyKey, cancellationToken).ConfigureAwait(false);
        }
        catch (PyResolveException exception) when (exception.Status is >= 400 and < 500 and not 429 && exception.Code != PyResolveErrorCodes.UnexpectedAnswer)
        {
            // Refused: nothing is held.
            File.Delete(path);
            throw;
        }

        var fault = reservation.Lease is { } token
            ? await ledger.AddAsync(token, reservation.Id, cancellationToken).ConfigureAwait(false)
            : LeaseFault.Forged;
        if (fault == LeaseFault.None)
        {
            File.Delete(path);
            return;
        }

        await GiveBackAsync(reservation.Id, cancellationToken).ConfigureAwait(false);
        File.Delete(path);
        var cause = (reservation.Lease, fault) switch
        {
            (null, _) => "This server gives no leases, so that nothing can be prepaid. Ask whoever runs it to set PYRESOLVE_LEASE_KEY.",
            (_, LeaseFault.Unverifiable) => "Nothing can be prepaid: this runtime cannot check signatures. Use .NET Framework 4.7 or later, or .NET.",
            _ => "The server gave a lease that its own keys do not vouch for. Ask whoever runs it to check PYRESOLVE_LEASE_KEY on every instance.",
        };
        throw new PyResolveException(PyResolveErrorCodes.Offline, cause);
    }

    /// <summary>A request that was made and never seen answered.</summary>
    private LeaseRequest? Unanswered(string path) =>
        LeaseRequest.Load(path) is { } request && request.Machine == folder.Machine && transport.ServerClock.Now < request.AskedAt + TimeSpan.FromSeconds(request.TtlSeconds)
            ? request
            : null;

    /// <returns><see langword="null"/> when enough is at hand, or the account has nothing left to prepay.</returns>
    private async Task<LeaseRequest?> PrepareAsync(Guid account, MigrationTier tier, QuotaSnapshot? quota, CancellationToken cancellationToken)
    {
        var fresh = Fresh(await ledger.LookAsync(tier, cancellationToken).ConfigureAwait(false));
        if (fresh * 2 >= _settings.PrepaidMigrations)
            return null;
        quota ??= await transport.GetQuotaAsync(cancellationToken).ConfigureAwait(false);
        var units = (int)Math.Min(_settings.PrepaidMigrations - fresh, quota.MigrationsRemaining.Value ?? long.MaxValue);
        if (units <= 0)
            return null;
        var request = new LeaseRequest(
            Uuid.NewVersion7(transport.Time).ToString("D"), units, tier.ToWire(), (int)_settings.PrepaidLifetime.TotalSeconds, folder.Machine, transport.ServerClock.Now);
        request.Save(folder.RequestPath(account, tier));
        return request;
    }

    /// <summary>Gives back what ended, is used up or was replaced. What a lease was spent for has to arrive before: after its end it would count as late.</summary>
    private async Task SettleAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        var fresh = Fresh(await ledger.LookAsync(tier, cancellationToken).ConfigureAwait(false));
        var closed = await ledger.CloseAsync(IsReplaced, cancellationToken).ConfigureAwait(false);
        if (closed.Count == 0)
            return;
        if (!usage.IsDrained)
            await usage.FlushAsync(cancellationToken).ConfigureAwait(false);
        if (!usage.IsDrained)
            return;
        foreach (var lease in closed)
        {
            await GiveBackAsync(lease, cancellationToken).ConfigureAwait(false);
            await ledger.RemoveAsync(lease).ConfigureAwait(false);
        }

        bool IsReplaced(Lease lease, bool isGood) =>
            Keeps(tier) && lease.Tier == tier.ToWire() && (!isGood || !IsFresh(lease)) && fresh * 2 >= _settings.PrepaidMigrations;
    }

    private int Fresh(LeaseStanding standing) => standing.Balances.Where(balance => IsFresh(balance.Lease)).Sum(static balance => balance.Left);

    /// <summary>Whether more than a quarter of its time is left.</summary>
    private bool IsFresh(Lease lease) =>
        (lease.ExpiresAt - transport.ServerClock.Now).Ticks * 4 > (lease.ExpiresAt - lease.IssuedAt).Ticks;

    private async Task GiveBackAsync(Guid reservation, CancellationToken cancellationToken)
    {
        try
        {
            await transport.ReleaseReservationAsync(reservation, cancellationToken).ConfigureAwait(false);
        }
        catch (PyResolveException exception) when (exception.Status is 404 or 409 && exception.Code != PyResolveErrorCodes.UnexpectedAnswer)
        {
            // Its last unit was reported, which settles it; or it ended so long ago that nothing can be settled any more.
        }
    }
}
