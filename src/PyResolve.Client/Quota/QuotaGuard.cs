using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Asks the server whether a migration may run, and holds quota while it does. Without the server, what was prepaid on this machine and
/// <see cref="PyResolveClientOptions.Offline"/> decide. Thread-safe.
/// </summary>
public sealed class QuotaGuard
{
    private readonly ApiTransport _transport;
    private readonly UsageReporter _usage;
    private readonly QuotaMemory _memory;
    private readonly OfflineQuota? _offline;
    private readonly LeaseKeeper? _keeper;

    internal QuotaGuard(ApiTransport transport, UsageReporter usage)
    {
        _transport = transport;
        _usage = usage;
        _memory = new(transport, transport.Settings.QuotaCacheDuration);
        var settings = transport.Settings;
        if (settings.ApiKey is not { } key)
            return;
        var folder = new LeaseFolder(settings.Home, settings.ApiUrl, key);
        var ledger = new LeaseLedger(folder, new(transport.Time, transport.ServerClock), transport.Time);
        _offline = new(settings, ledger, usage, transport.Time);
        _keeper = new(transport, folder, ledger, usage);
    }

    /// <summary>
    /// Takes a permit. Dispose of it: what is not completed by then goes back. Without a key tier1 is granted anonymously, and nothing is
    /// metered. A lost or late answer is asked for again under the same idempotency key, so that nothing is held twice. A server that was out of
    /// reach a moment ago is not asked again for 15 seconds: what happens then, at once, is <see cref="PyResolveClientOptions.Offline"/>'s to
    /// say. What is prepaid is also spent when the server has no quota left.
    /// </summary>
    /// <param name="request">What wants to run.</param>
    /// <param name="cancellationToken">Gives up; a hold that was made all the same lasts until its time is over.</param>
    /// <returns>
    /// A permit, granted or denied. Denied: no quota left, a plan without tier2 and tier3, no key for them, or no server and nothing prepaid.
    /// </returns>
    /// <exception cref="PyResolveException">The key is bad, or the server failed, or cannot be reached and the policy is <see cref="OfflinePolicy.Deny"/>.</exception>
    public async Task<QuotaPermit> AcquireAsync(MigrationRequest request, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        if (_offline is null || _keeper is null)
            return request.Tier == MigrationTier.Tier1 ? QuotaPermit.Anonymous() : QuotaPermit.Denied(Denials.LoginRequired());

        try
        {
            ThrowIfOutOfReach();
            var reservation = await ReserveAsync(request, cancellationToken).ConfigureAwait(false);
            _keeper.Begin(request.Tier, reservation.Quota);
            return QuotaPermit.Granted(_transport, _usage, request, reservation);
        }
        catch (PyResolveException exception) when (Denials.From(exception) is { } denial)
        {
            _keeper.Begin(request.Tier, denial.Quota);
            var prepaid = denial.Code == ProblemCodes.QuotaExceeded ? await _offline.SpendAsync(request, cancellationToken).ConfigureAwait(false) : null;
            return prepaid ?? QuotaPermit.Denied(denial);
        }
        catch (PyResolveException exception) when (_offline.Takes(exception))
        {
            return await _offline.DecideAsync(request, exception, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Looks whether one migration could run now, holding nothing: for a prompt or a status line, never in place of a permit. What the server
    /// said less than <see cref="PyResolveClientOptions.QuotaCacheDuration"/> ago is said again without asking, unless this client has taken,
    /// settled or reported something since.
    /// </summary>
    /// <param name="tier">What the migration would use.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PyResolveException">The key is bad, or the server failed, or cannot be reached and the policy is <see cref="OfflinePolicy.Deny"/>.</exception>
    public Task<QuotaCheck> CheckAsync(MigrationTier tier = MigrationTier.Tier1, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<QuotaCheck>(cancellationToken);
        return _memory.TryFind(tier.Checked(), out var answer) ? answer : AskAsync(tier, cancellationToken);
    }

    /// <summary>
    /// Prepays migrations of a tier now, as <see cref="PyResolveClientOptions.PrepaidMigrations"/> says, before going where there is no network.
    /// It happens by itself, in the background, when a permit of that tier was granted; this also waits for it. What the account has left
    /// may be less.
    /// </summary>
    /// <param name="tier">tier2 or tier3; tier1 works offline without.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What is prepaid on this machine.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tier is tier1, or none.</exception>
    /// <exception cref="InvalidOperationException">Nothing is to be prepaid: the number is 0, or the policy <see cref="OfflinePolicy.Deny"/>.</exception>
    /// <exception cref="PyResolveException">There is no key, the server cannot be reached or refused; or it gives no leases (<see cref="PyResolveErrorCodes.Offline"/>).</exception>
    public async Task<PrepaidQuota> PrepayAsync(MigrationTier tier, CancellationToken cancellationToken = default)
    {
        if (tier.Checked() == MigrationTier.Tier1)
            throw new ArgumentOutOfRangeException(nameof(tier), tier, "tier1 works offline without being prepaid.");
        if (_transport.Settings is { PrepaidMigrations: 0 } or { Offline: OfflinePolicy.Deny })
            throw new InvalidOperationException("Set PrepaidMigrations to more than 0, and Offline to another policy than Deny, to prepay.");
        if (_keeper is null)
            throw new PyResolveException(PyResolveErrorCodes.LoginRequired, "No API key. Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
        var standing = await _keeper.PrepayAsync(tier, cancellationToken).ConfigureAwait(false);
        return new(tier, standing.Left, standing.Balances.Count == 0 ? null : standing.Balances.Max(static balance => balance.Lease.ExpiresAt));
    }

    /// <summary>Waits for what is under way in the background.</summary>
    internal Task CloseAsync() => _keeper?.CloseAsync() ?? Task.CompletedTask;

    private async Task<QuotaCheck> AskAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        if (_offline is null)
            return new() { Denial = tier == MigrationTier.Tier1 ? null : Denials.LoginRequired() };
        try
        {
            ThrowIfOutOfReach();
            var check = await _memory.AskAsync(tier, cancellationToken).ConfigureAwait(false);
            var isPrepaid = check.Denial?.Code == ProblemCodes.QuotaExceeded && await _offline.CoversAsync(tier, cancellationToken).ConfigureAwait(false);
            return isPrepaid ? check with { Denial = null } : check;
        }
        catch (PyResolveException exception) when (_offline.Takes(exception))
        {
            return await _offline.LookAsync(tier, exception, cancellationToken).ConfigureAwait(false);
        }
    }

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
            throw new PyResolveException(cause.Code, cause.Message, cause);
    }
}
