using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Asks the server whether a migration may run, and holds quota while it does. Thread-safe.</summary>
public sealed class QuotaGuard
{
    private readonly PyResolveClient _client;
    private readonly ApiTransport _transport;
    private readonly QuotaMemory _memory;

    internal QuotaGuard(PyResolveClient client, ApiTransport transport)
    {
        _client = client;
        _transport = transport;
        _memory = new(transport, transport.Settings.QuotaCacheDuration);
    }

    /// <summary>
    /// Takes a permit. Dispose of it: what is not completed by then goes back. Without a key tier1 is granted anonymously, and nothing is
    /// metered. A lost or late answer is asked for again under the same idempotency key, so that nothing is held twice. A server that was out of
    /// reach a moment ago is not asked again for 15 seconds: the exception then comes at once.
    /// </summary>
    /// <param name="request">What wants to run.</param>
    /// <param name="cancellationToken">Gives up; a hold that was made all the same lasts until its time is over.</param>
    /// <returns>A permit, granted or denied. Denied: no quota left, a plan without tier2 and tier3, or no key for them.</returns>
    /// <exception cref="PyResolveException">The key is bad, the server cannot be reached, or it failed.</exception>
    public async Task<QuotaPermit> AcquireAsync(MigrationRequest request, CancellationToken cancellationToken = default)
    {
        Guard.NotNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        if (!_transport.HasKey)
            return request.Tier == MigrationTier.Tier1 ? QuotaPermit.Anonymous() : QuotaPermit.Denied(Denials.LoginRequired());

        var wire = new ReservationRequest
        {
            Quantity = request.Quantity,
            Tier = request.Tier.ToWire(),
            Library = request.Library,
            TtlSeconds = (int)request.TimeToLive.TotalSeconds,
            OnceKey = request.OnceKey,
        };
        var idempotencyKey = Uuid.NewVersion7(_transport.Time).ToString("D");
        try
        {
            ThrowIfOutOfReach();
            var reservation = await _client.CreateReservationAsync(wire, idempotencyKey, cancellationToken).ConfigureAwait(false);
            return QuotaPermit.Granted(_client, _transport.Time, reservation);
        }
        catch (PyResolveException exception) when (Denials.From(exception) is { } denial)
        {
            return QuotaPermit.Denied(denial);
        }
    }

    /// <summary>
    /// Looks whether one migration could run now, holding nothing: for a prompt or a status line, never in place of a permit. What the server
    /// said less than <see cref="PyResolveClientOptions.QuotaCacheDuration"/> ago is said again without asking, unless this client has taken,
    /// settled or reported something since.
    /// </summary>
    /// <param name="tier">What the migration would use.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PyResolveException">The key is bad, the server cannot be reached, or it failed.</exception>
    public Task<QuotaCheck> CheckAsync(MigrationTier tier = MigrationTier.Tier1, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<QuotaCheck>(cancellationToken);
        return _memory.TryFind(tier.Checked(), out var answer) ? answer : AskAsync(tier, cancellationToken);
    }

    private async Task<QuotaCheck> AskAsync(MigrationTier tier, CancellationToken cancellationToken)
    {
        if (!_transport.HasKey)
            return new() { Denial = tier == MigrationTier.Tier1 ? null : Denials.LoginRequired() };
        ThrowIfOutOfReach();
        return await _memory.AskAsync(_client, tier, cancellationToken).ConfigureAwait(false);
    }

    private void ThrowIfOutOfReach()
    {
        if (_transport.Outage.Current is { } cause)
            throw new PyResolveException(cause.Code, cause.Message, cause);
    }
}
