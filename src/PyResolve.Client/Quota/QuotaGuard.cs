using PyResolve.Client.Wire;

namespace PyResolve.Client;

#pragma warning disable CA1001 // The token source has neither a timer nor a wait handle: no disposal is needed.

/// <summary>Asks the server whether a migration may run, and reserves quota for it. When the server is out of reach, prepaid migrations and
/// <see cref="PyResolveClientOptions.Offline"/> decide. Thread-safe.</summary>
public sealed class QuotaGuard
{
    private readonly ApiTransport _transport;
    private readonly UsageReporter _usage;
    private readonly QuotaMemory _memory;
    private readonly OfflineQuota? _offline;
    private readonly LeaseRenewer? _renewer;
    private readonly CancellationTokenSource _closed = new();

    internal QuotaGuard(ApiTransport transport, UsageReporter usage)
    {
        _transport = transport;
        _usage = usage;
        _memory = new(transport, transport.Settings.QuotaCacheDuration);
        var settings = transport.Settings;
        if (settings.ApiKey is not { } key)
            return;
        var folder = new LeaseFolder(settings.Home, settings.FolderUrl, key);
        var ledger = new LeaseLedger(folder, new(transport.Time, transport.ServerClock), transport.Time);
        _offline = new(settings, ledger, usage, transport.Time);
        _renewer = new(transport, folder, ledger, usage);
    }

    /// <summary>Requests a permit. Dispose of it: a permit that is not completed by then is released.</summary>
    /// <remarks>Without a key, tier1 is granted anonymously, and nothing is counted; so is every tier while
    /// <see cref="PyResolveClientOptions.Enabled"/> is false. After a lost or late answer the request is repeated
    /// with the same idempotency key, so that nothing is reserved twice. A server that was found out of reach, by this process or another
    /// of the user, is not asked again for 15 seconds: until then <see cref="PyResolveClientOptions.Offline"/> decides at once, unless
    /// <see cref="ForgetOutage"/> is called. Prepaid migrations are also spent when the account
    /// has no quota left.</remarks>
    /// <param name="request">The migrations to run.</param>
    /// <param name="cancellationToken">Stops waiting; a reservation that was made anyway expires after its lifetime.</param>
    /// <returns>A permit, granted or denied. It is denied when no quota is left, when the plan does not include the tier, when the tier
    /// requires a key and there is none, and when the server is out of reach and nothing is prepaid.</returns>
    /// <exception cref="PyResolveException">Invalid key, server error, or no server and the policy is Deny.</exception>
    public async Task<QuotaPermit> AcquireAsync(MigrationRequest request, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        if (_offline is null || _renewer is null)
            return NeedsKey(request.Tier) ? QuotaPermit.Denied(Denials.LoginRequired(_transport.Settings)) : QuotaPermit.Anonymous();

        try
        {
            ThrowIfOutOfReach();
            var reservation = await ReserveAsync(request, cancellationToken).ConfigureAwait(false);
            _renewer.Start(request.Tier, reservation.Quota);
            return QuotaPermit.Granted(_transport, _usage, request, reservation, _closed.Token);
        }
        catch (PyResolveException exception) when (Denials.From(exception, _transport.Settings) is { } denial)
        {
            _renewer.Start(request.Tier, denial.Quota);
            var prepaid = denial.Code == ProblemCodes.QuotaExceeded
                ? await _offline.SpendAsync(request, cancellationToken).ConfigureAwait(false)
                : null;
            return prepaid ?? QuotaPermit.Denied(denial);
        }
        catch (PyResolveException exception) when (_offline.Decides(exception))
        {
            return await _offline.DecideAsync(request, exception, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Checks whether one migration could run now, without reserving it: for a prompt or a status line, never instead of a permit.
    /// An answer younger than <see cref="PyResolveClientOptions.QuotaCacheDuration"/> is returned again without asking the server, unless
    /// this client has reserved, settled or reported something since.</summary>
    /// <param name="tier">The means that the migration would use.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>Whether a permit would be granted, and why not.</returns>
    /// <exception cref="PyResolveException">Invalid key, server error, or no server and the policy is Deny.</exception>
    public Task<QuotaCheck> CheckAsync(MigrationTier tier = MigrationTier.Tier1, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<QuotaCheck>(cancellationToken);
        return _memory.TryFind(tier.Checked(), out var answer) ? answer : AskAsync(tier, cancellationToken);
    }

    /// <summary>Prepays migrations of a tier now, up to <see cref="PyResolveClientOptions.PrepaidMigrations"/>, to be used without a
    /// network later. The client also does this in the background after it was granted a permit of that tier. Fewer are prepaid when the
    /// account has fewer left.</summary>
    /// <param name="tier">tier2 or tier3; tier1 needs no prepaid migrations.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What is prepaid on this machine.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tier is tier1, or does not exist.</exception>
    /// <exception cref="InvalidOperationException"><c>PrepaidMigrations</c> is 0, or the policy is Deny.</exception>
    /// <exception cref="PyResolveException">No key, no server, a refusal, or a server without leases.</exception>
    public async Task<PrepaidQuota> PrepayAsync(MigrationTier tier, CancellationToken cancellationToken = default)
    {
        if (tier.Checked() == MigrationTier.Tier1)
            throw new ArgumentOutOfRangeException(nameof(tier), tier, "tier1 works offline without being prepaid.");
        if (_transport.Settings is { PrepaidMigrations: 0 } or { Offline: OfflinePolicy.Deny })
            throw new InvalidOperationException("To prepay, set PrepaidMigrations to more than 0, and Offline to Lease or Allow.");
        if (_renewer is null)
            throw _transport.NoApiKey();
        return Describe(tier, await _renewer.PrepayAsync(tier, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>What is prepaid on this machine now, from its disk: the server is not asked.</summary>
    /// <param name="tier">tier2 or tier3; nothing is prepaid for tier1.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What is left, and why other leases cannot be spent. Nothing without a key.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tier does not exist.</exception>
    public async Task<PrepaidQuota> GetPrepaidAsync(MigrationTier tier, CancellationToken cancellationToken = default)
    {
        tier.Checked();
        if (_offline is null)
            return new(tier, 0, ExpiresAt: null);
        var balances = await _offline.GetBalancesAsync(tier, cancellationToken).ConfigureAwait(false);
        return Describe(tier, balances) with
        {
            Problem = balances.Problem == LeaseProblem.None ? null : Denials.Describe(balances.Problem),
        };
    }

    /// <summary>Returns the prepaid migrations of a tier to the server, after the usage events that spent some of them were sent. They
    /// cannot be spent here from then on. The server goes on holding them until their leases expire, because a lease cannot be recalled,
    /// and then releases them; what is never returned counts as used then. A lease that a running permit spends is left.</summary>
    /// <param name="tier">tier2 or tier3; nothing is prepaid for tier1.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>What was returned, and until when the server holds it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tier does not exist.</exception>
    /// <exception cref="PyResolveException">No key, or no server. Where it stops half-way, what is still to be returned cannot be spent,
    /// and is returned by the next call, or by a later permit.</exception>
    public async Task<PrepaidQuota> ReturnPrepaidAsync(MigrationTier tier, CancellationToken cancellationToken = default)
    {
        tier.Checked();
        if (_renewer is null)
            throw _transport.NoApiKey();
        return Describe(tier, await _renewer.ReturnAsync(tier, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Sends the usage events that wait, and returns the leases on this machine that are expired or used up. A client also
    /// does this in the background after it was granted a permit.</summary>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <returns>How many leases were returned.</returns>
    /// <exception cref="PyResolveException">No key, or no server.</exception>
    public async Task<int> SettlePrepaidAsync(CancellationToken cancellationToken = default)
    {
        if (_renewer is null)
            throw _transport.NoApiKey();
        return await _renewer.SettleAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Makes the next permit or check ask the server, although it was found out of reach in the last 15 seconds, by this process
    /// or another of the user: for a "Retry" button. Does nothing when it was not.</summary>
    public void ForgetOutage() => _transport.Outage.Forget();

    internal Task CloseAsync()
    {
        _closed.Cancel();
        return _renewer?.CloseAsync() ?? Task.CompletedTask;
    }

    private async Task<QuotaCheck> AskAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        if (_offline is null)
            return new() { Denial = NeedsKey(tier) ? Denials.LoginRequired(_transport.Settings) : null };
        try
        {
            ThrowIfOutOfReach();
            var check = await _memory.AskAsync(tier, cancellationToken).ConfigureAwait(false);
            var isPrepaid = check.Denial?.Code == ProblemCodes.QuotaExceeded
                && await _offline.CoversAsync(tier, cancellationToken).ConfigureAwait(false);
            return isPrepaid ? check with { Denial = null } : check;
        }
        catch (PyResolveException exception) when (_offline.Decides(exception))
        {
            return await _offline.CheckAsync(tier, exception, cancellationToken).ConfigureAwait(false);
        }
    }

    private static PrepaidQuota Describe(MigrationTier tier, LeaseBalances balances) =>
        new(tier, balances.Left, balances.Items.Count == 0 ? null : balances.Items.Max(static balance => balance.Lease.ExpiresAt));

    private bool NeedsKey(MigrationTier tier) => tier != MigrationTier.Tier1 && _transport.Settings.IsEnabled;

    private Task<Reservation> ReserveAsync(MigrationRequest request, CancellationToken cancellationToken)
    {
        var wire = new ReservationRequest
        {
            Quantity = request.Quantity,
            Tier = request.Tier.ToWire(),
            Library = request.Library,
            TtlSeconds = (int)request.TimeToLive.TotalSeconds,
            OnceKey = request.OnceKey,
        };
        return _transport.CreateReservationAsync(wire, Uuid.NewVersion7(_transport.Time).ToString("D"), cancellationToken);
    }

    private void ThrowIfOutOfReach()
    {
        if (_transport.Outage.Current is { } cause)
            throw new PyResolveException(cause.Code, cause.Cause, cause.Hint, cause);
    }
}
