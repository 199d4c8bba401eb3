using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// PyResolve billing for tools: <see cref="Quota"/> asks whether a migration may run, <see cref="Usage"/> reports what ran, and the methods
/// here are the routes of the server, one request each. Thread-safe; make one for the process. Key and server are read once, when it is made.
/// </summary>
/// <remarks>
/// What reads, and what carries an id of its own, is sent again after a lost connection or a late answer, and when the server asks for a
/// short wait, all within <see cref="PyResolveClientOptions.RequestTimeout"/>. Every method throws <see cref="PyResolveException"/> when the server refuses, cannot be reached or is no PyResolve server, and
/// <see cref="OperationCanceledException"/> when its token is cancelled.
/// </remarks>
public sealed partial class PyResolveClient : IAsyncDisposable, IDisposable
{
    private readonly ApiTransport _transport;
    private readonly HttpClient? _ownHttp;
    private readonly bool _ownsUsage;

    /// <summary>A client over an <see cref="HttpClient"/> of yours, which is not disposed of. It should follow no redirects: they would carry the key along.</summary>
    /// <param name="httpClient">Its <see cref="HttpClient.BaseAddress"/> is not used.</param>
    /// <param name="options">Default: environment, then config file.</param>
    /// <param name="timeProvider">Tells the time and waits, for tests; default the system's.</param>
    /// <exception cref="PyResolveException">The configuration is unusable.</exception>
    public PyResolveClient(HttpClient httpClient, PyResolveClientOptions? options = null, TimeProvider? timeProvider = null)
        : this(options ?? new(), () => httpClient, ownHttp: null, timeProvider ?? TimeProvider.System) => Guard.NotNull(httpClient);

    internal PyResolveClient(PyResolveClientOptions options, Func<HttpClient> http, HttpClient? ownHttp, TimeProvider time)
    {
        ClientSettings.ThrowIfMistaken(options);
        Keys = new(options.Home, options.Profile);
        var settings = ClientSettings.From(options, Keys);
        _transport = new(settings, http, time);
        _ownHttp = ownHttp;
        _ownsUsage = true;
        Usage = new(_transport, settings, logger: null);
        Quota = new(_transport, Usage);
    }

    internal PyResolveClient(ApiTransport transport, ApiKeyStore keys, UsageReporter usage)
    {
        _transport = transport;
        Keys = keys;
        Usage = usage;
        Quota = new(transport, usage);
    }

    /// <summary>Asks whether a migration may run, and holds quota for it.</summary>
    public QuotaGuard Quota { get; }

    /// <summary>Reports what ran, in the background.</summary>
    public UsageReporter Usage { get; }

    /// <summary>The key and server that are kept on this machine.</summary>
    public ApiKeyStore Keys { get; }

    /// <summary>The server.</summary>
    public Uri ApiUrl => _transport.ApiUrl;

    /// <summary>A client of its own, for programs without a container.</summary>
    /// <param name="options">Default: environment, then config file.</param>
    /// <exception cref="PyResolveException">The configuration is unusable; <see cref="ConfigFileException"/> when it is the file.</exception>
    public static PyResolveClient Create(PyResolveClientOptions? options = null)
    {
        var http = HttpDefaults.CreateClient();
        try
        {
            return new(options ?? new(), () => http, http, TimeProvider.System);
        }
        catch
        {
            http.Dispose();
            throw;
        }
    }

    /// <summary><c>GET /me</c>: whose key this is, and this month's quota.</summary>
    public Task<AccountInfo> GetAccountAsync(CancellationToken cancellationToken = default) => _transport.GetAccountAsync(cancellationToken);

    /// <summary><c>GET /quota</c>: where the account stands this month.</summary>
    public Task<QuotaSnapshot> GetQuotaAsync(CancellationToken cancellationToken = default) => _transport.GetQuotaAsync(cancellationToken);

    /// <summary><c>POST /quota/reservations</c>: holds quota. <see cref="QuotaGuard.AcquireAsync"/> does it with retries and without exceptions for refusals.</summary>
    /// <param name="request">What to hold.</param>
    /// <param name="idempotencyKey">1 to 255 visible ASCII characters; makes this request safe to send again. Default none.</param>
    /// <param name="cancellationToken">Gives up waiting; the hold may have been made, and then lasts until its time is over.</param>
    public Task<Reservation> CreateReservationAsync(ReservationRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        if (idempotencyKey is not null && (idempotencyKey.Length > 255 || !Guard.IsVisibleAscii(idempotencyKey)))
            throw new ArgumentException("An idempotency key has 1 to 255 visible ASCII characters.", nameof(idempotencyKey));
        return _transport.CreateReservationAsync(Guard.NotNull(request), idempotencyKey, cancellationToken);
    }

    /// <summary><c>GET /quota/reservations/{id}</c>: a hold, and why it was granted.</summary>
    public Task<Reservation> GetReservationAsync(Guid id, CancellationToken cancellationToken = default) =>
        _transport.SendAsync(
            ApiRequest.Get($"/quota/reservations/{id:D}"), WireJson.Default.Reservation, static reservation => reservation.State is not null, cancellationToken);

    /// <summary><c>POST /quota/reservations/{id}/commit</c>: the work is done; what is left of the hold goes back.</summary>
    /// <param name="id">The reservation.</param>
    /// <param name="request">What was done; with an <see cref="CommitRequest.Id"/> it is safe to send again.</param>
    /// <param name="cancellationToken">Gives up waiting; the work may have been recorded.</param>
    public Task<ReservationCommitted> CommitReservationAsync(Guid id, CommitRequest request, CancellationToken cancellationToken = default) =>
        _transport.CommitReservationAsync(id, Guard.NotNull(request), cancellationToken);

    /// <summary><c>DELETE /quota/reservations/{id}</c>: gives a hold back.</summary>
    public Task<ReservationReleased> ReleaseReservationAsync(Guid id, CancellationToken cancellationToken = default) =>
        _transport.ReleaseReservationAsync(id, cancellationToken);

    /// <summary>Waits for the usage events that are still on their way, at most <see cref="PyResolveClientOptions.ShutdownTimeout"/>. A container's client leaves them to the container.</summary>
    public async ValueTask DisposeAsync()
    {
        var quota = Quota.CloseAsync();
        if (_ownsUsage)
            await Usage.DisposeAsync().ConfigureAwait(false);
        await quota.ConfigureAwait(false);
        _ownHttp?.Dispose();
    }

    /// <summary>As <see cref="DisposeAsync"/>, blocking.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();

    private static string? Session(string? token) => token is null || Guard.IsVisibleAscii(token)
        ? token
        : throw new ArgumentException("A session token has visible ASCII characters only; pass it as the server gave it.", nameof(token));
}
