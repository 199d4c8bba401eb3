using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Reports usage events by way of an outbox on disk: what was accepted survives the process, and is sent by the next one if need be. Each
/// event has a fixed id, so that sending it again stores it once. Thread-safe; one for the process, any number of processes side by side.
/// </summary>
/// <remarks>
/// The outbox is <c>~/.pyresolve/outbox</c> (<see cref="PyResolveClientOptions.Home"/>), with a folder for each server and key. What an
/// earlier process left there is taken over at the first report or flush; so is what was left under another key, once the server has said
/// that both keys are the same account's. Nothing is ever sent for another account.
/// </remarks>
public sealed partial class UsageReporter : IAsyncDisposable, IDisposable
{
    private readonly ApiTransport _transport;
    private readonly OutboxAccount? _account;
    private readonly Outbox? _outbox;
    private readonly RejectedEvents? _rejected;
    private readonly UsageQueue? _queue;
    private readonly UsageSender? _sender;
    private readonly ILogger _logger;
    private string? _loggedRefusal;

    internal UsageReporter(ApiTransport transport, ClientSettings settings, ILogger? logger)
    {
        _transport = transport;
        _logger = logger ?? NullLogger.Instance;
        if (settings.ApiKey is not { } key)
            return;
        var folder = new OutboxFolder(settings.Home, settings.ApiUrl, key);
        _account = new(folder, settings.ApiUrl);
        _rejected = new(folder, transport.Time, _logger);
        _outbox = new(folder, _account, new(settings.OutboxCapacity, settings.OutboxBytes), _rejected, transport.Time, _logger);
        _sender = new(_outbox, _rejected, transport, _logger);
        _queue = _sender.Queue;
        transport.AccountSeen = LearnAccount;
    }

    /// <summary>Events that this process has to send: reported here, or taken over, and neither sent nor rejected yet. After disposal: those that wait for the next start.</summary>
    public long Pending => _outbox?.Count ?? 0;

    /// <summary>For how long the oldest of them has waited; <see cref="TimeSpan.Zero"/> when none waits, and after disposal.</summary>
    public TimeSpan OldestPendingAge => _outbox?.OldestAge ?? TimeSpan.Zero;

    /// <summary>Events that the server has recorded, since this client was made.</summary>
    public long Sent => _sender?.Sent ?? 0;

    /// <summary>
    /// Events that will not be sent, since this client was made: the server refused them for good (a broken rule, an id that another event
    /// has), or they waited for over 35 days, or their file was damaged, which counts as one. Each is kept, with the reason, in the folder <c>rejected</c> of the outbox.
    /// </summary>
    public long Rejected => _rejected?.Count ?? 0;

    /// <summary>Why the last rejected event was; <see langword="null"/> while none was.</summary>
    public PyResolveException? LastRejection => _rejected?.Last;

    /// <summary>Why the last try to send failed, such as a revoked key, while the events wait; <see langword="null"/> when it did not fail.</summary>
    public PyResolveException? LastFailure => _sender?.LastFailure;

    /// <summary>Whether nothing waits for the server, of this process's or of another's, under this key or another of its account.</summary>
    internal bool IsDrained => _outbox?.IsDrained ?? true;

    /// <summary>Makes what waits safe from a power cut.</summary>
    internal Task SyncAsync() => _outbox is null ? Task.CompletedTask : Task.Run(_outbox.Sync);

    /// <summary>The time that events are stamped with.</summary>
    internal DateTimeOffset Now => _transport.ServerClock.Now;

    /// <summary>
    /// Takes an event over. It fixes the event's id and time and appends it to the outbox; it never waits for the network. Once it is
    /// accepted, it survives the end of the process, however abrupt. It refuses, and says why, without a key, when as much waits as may,
    /// when the outbox cannot be written, and after disposal.
    /// </summary>
    /// <param name="usage">What happened.</param>
    /// <exception cref="ArgumentNullException"><paramref name="usage"/> is <see langword="null"/>.</exception>
    public ReportResult Report(UsageEvent usage)
    {
        Guard.NotNull(usage);
        return Keep(ToWire(usage));
    }

    /// <summary>Takes over what has an id already.</summary>
    internal ReportResult Keep(UsageEventRequest request)
    {
        var refusal = _queue is null
            ? ReportResult.Refused(ReportRefusal.NoKey, "There is no API key to report usage for. Run 'pyresolve login', or set PYRESOLVE_API_KEY.")
            : _queue.Accept(JsonSerializer.SerializeToUtf8Bytes(request, WireJson.Requests.UsageEventRequest));
        if (refusal is null)
            return ReportResult.Accepted(request.Id!.Value);
        ClientTelemetry.UsageRefused.Add(1, new KeyValuePair<string, object?>("error.type", refusal.Refusal.ToString()));
        if (Interlocked.Exchange(ref _loggedRefusal, refusal.Reason) != refusal.Reason)
            Log.Refused(_logger, refusal.Reason!);
        return refusal;
    }

    /// <summary>
    /// Waits until everything reported before, and everything that earlier processes left behind, is recorded or rejected
    /// (<see cref="Rejected"/>). When the server cannot be reached after a few tries, refuses the key, or asks for a wait longer than
    /// <see cref="PyResolveClientOptions.RequestTimeout"/>, it throws; the events are then safe from a power cut too, keep waiting, and are
    /// tried again. Where the disk refuses to keep them so, that is what it throws (<see cref="PyResolveErrorCodes.NotReported"/>).
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting; the events are sent all the same. Where they are not safe from a power cut meanwhile, the exception's message says so.</param>
    /// <exception cref="PyResolveException">The server cannot be reached, refuses the key, or fails; or the disk does not give back what waits on it, or does not keep it.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _queue?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>
    /// Refuses further events and waits for those on their way, at most <see cref="PyResolveClientOptions.ShutdownTimeout"/>; what is not
    /// sent by then waits on disk for the next start. Never throws for the network. A process that ends without it does the same.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_queue is not null)
            await _queue.CloseAsync().ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>, blocking.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();

    /// <summary>The server has said whose key this is.</summary>
    private void LearnAccount(Guid account)
    {
        if (account != Guid.Empty && _account?.Learn(account) == true)
            _queue?.AdoptMore();
    }

    private UsageEventRequest ToWire(UsageEvent usage) => new()
    {
        Id = usage.Id ?? Uuid.NewVersion7(_transport.Time),
        OccurredAt = usage.OccurredAt ?? Now,
        EventType = usage.EventType,
        Library = usage.Library,
        Tier = usage.Tier?.ToWire(),
        FilesChanged = usage.FilesChanged,
        TokensUsed = usage.TokensUsed,
        Metadata = usage.Metadata,
        ReservationId = usage.ReservationId,
    };

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Warning, "A usage event was refused, and each like it will be: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);
    }
}
