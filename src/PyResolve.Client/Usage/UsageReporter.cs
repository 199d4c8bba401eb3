using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Reports usage events through an outbox on disk: an accepted event survives the process, and is sent by the next one if needed.
/// Each event has a fixed id, so that it is stored once even if it is sent again. Thread-safe. Use one for the process; several processes
/// can share an outbox.</summary>
/// <remarks>The outbox is <c>~/.pyresolve/outbox</c> (<see cref="PyResolveClientOptions.Home"/>), with a folder for each server and key.
/// Events that an earlier process left there are adopted at the first report or flush; so are events of other keys, once the server has
/// said that they belong to the same account. Events are never sent for another account.</remarks>
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

    internal UsageReporter(ApiTransport transport, ILogger? logger)
    {
        _transport = transport;
        var settings = transport.Settings;
        _logger = logger ?? (ILogger?)settings.LoggerFactory?.CreateLogger<UsageReporter>() ?? NullLogger.Instance;
        if (settings.ApiKey is not { } key)
            return;
        var folder = new OutboxFolder(settings.Home, settings.FolderUrl, key);
        _account = new(folder, settings.FolderUrl);
        _rejected = new(folder, transport.Time, _logger);
        _outbox = new(folder, _account, new(settings.OutboxCapacity, settings.OutboxBytes), _rejected, transport.Time, _logger);
        _sender = new(_outbox, _rejected, transport, _logger);
        _sender.FailureChanged = failure => DeliveryChanged?.Invoke(this, new(failure));
        _queue = _sender.Queue;
        transport.AccountSeen = LearnAccount;
    }

    /// <summary>Sending has begun to fail, fails for another reason, or works again. Raised in the background, one change after the other;
    /// what a handler throws is ignored.</summary>
    public event EventHandler<DeliveryChangedEventArgs>? DeliveryChanged;

    /// <summary>Events that this process has to send: reported here or adopted. After disposal: those that wait on disk.</summary>
    public long Pending => _outbox?.Count ?? 0;

    /// <summary>For how long the oldest of them has waited; <see cref="TimeSpan.Zero"/> when none waits, and after disposal.</summary>
    public TimeSpan OldestPendingAge => _outbox?.OldestAge ?? TimeSpan.Zero;

    /// <summary>How many events the server has recorded since this client was created.</summary>
    public long Sent => _sender?.Sent ?? 0;

    /// <summary>How many events will not be sent, since this client was created: the server rejected them (they break a rule, or their id
    /// is in use), they waited for over 35 days, or their file is damaged, which counts as one. Each is kept, with the reason, in the
    /// outbox's folder <c>rejected</c>.</summary>
    public long Rejected => _rejected?.Total ?? 0;

    /// <summary>Why the last rejected event was rejected; <see langword="null"/> while there is none.</summary>
    public PyResolveException? LastRejection => _rejected?.Last;

    /// <summary>Why the last attempt to send failed, such as a revoked key; <see langword="null"/> when it did not fail.</summary>
    public PyResolveException? LastFailure => _sender?.LastFailure;

    /// <summary>What the user should know about the outbox, in one line: that file locks do not work there, so that events which another
    /// process left are not sent. <see langword="null"/> when all is well, and before the first report or flush.</summary>
    public string? Warning => _outbox?.Warning;

    /// <summary>Whether no event waits for the server, in this process or another, under this key or another of its account.</summary>
    internal bool IsDrained => _outbox?.IsDrained ?? true;

    /// <summary>Makes the events that wait safe from a power cut.</summary>
    internal Task SyncAsync() => _outbox is null ? Task.CompletedTask : Task.Run(_outbox.Sync);

    internal DateTimeOffset Now => _transport.ServerClock.Now;

    /// <summary>Accepts an event: fixes its id and time, and appends it to the outbox. It never waits for the network. An accepted event
    /// survives the process, even if that crashes or is killed.</summary>
    /// <param name="usage">What happened.</param>
    /// <returns>Refused: no key, the outbox is full or cannot be written, or the reporter is disposed of.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="usage"/> is <see langword="null"/>.</exception>
    public ReportResult Report(UsageEvent usage)
    {
        Guard.NotNull(usage);
        return Keep(ToWire(usage));
    }

    /// <summary>Why the outcomes of migrations could not be kept on disk now; <see langword="null"/> when they could.</summary>
    internal string? FindObstacle(int migrations) => _outbox?.Probe(migrations)?.Reason;

    internal ReportResult Keep(UsageEventRequest request)
    {
        var refusal = _queue is null
            ? RefuseWithoutKey()
            : _queue.Accept(JsonSerializer.SerializeToUtf8Bytes(request, WireJson.Requests.UsageEventRequest), IsOutcome(request));
        if (refusal is null)
            return ReportResult.Accepted(request.Id!.Value);
        if (refusal.Refusal == ReportRefusal.Disabled)
            return refusal;
        ClientTelemetry.UsageNotQueued.Add(1, new KeyValuePair<string, object?>("error.type", refusal.Refusal.ToString()));
        if (Interlocked.Exchange(ref _loggedRefusal, refusal.Reason) != refusal.Reason)
            Log.Refused(_logger, refusal.Reason!);
        return refusal;
    }

    /// <summary>Waits until all events, of earlier processes too, are recorded or rejected (<see cref="Rejected"/>).</summary>
    /// <remarks>It throws when the server is out of reach after a few attempts, refuses the key, or asks for a wait longer than
    /// <see cref="PyResolveClientOptions.RequestTimeout"/>. The events then are safe from a power cut, and are sent later. If the disk does
    /// not allow that, it throws <see cref="PyResolveErrorCodes.NotReported"/>.</remarks>
    /// <param name="cancellationToken">Stops waiting, not sending. The message says if events are not safe from a power cut.</param>
    /// <exception cref="PyResolveException">The server is out of reach, refuses the key, or fails; or the disk fails.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _queue?.FlushAsync(cancellationToken) ?? Task.CompletedTask;

    /// <summary>Refuses further events and waits until the others are sent, for <see cref="PyResolveClientOptions.ShutdownTimeout"/> at
    /// most; the rest waits on disk for the next start. It does not throw when the network fails. The end of the process does the
    /// same.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_queue is not null)
            await _queue.CloseAsync().ConfigureAwait(false);
    }

    /// <summary>As <see cref="DisposeAsync"/>; blocks.</summary>
    public void Dispose() => Task.Run(() => DisposeAsync().AsTask()).GetAwaiter().GetResult();

    private ReportResult RefuseWithoutKey() => _transport.Settings.IsEnabled
        ? ReportResult.Refused(ReportRefusal.NoKey, $"There is no API key. {_transport.Settings.LogInHint}")
        : ReportResult.Refused(ReportRefusal.Disabled, "The client is switched off. Set Enabled to true.");

    /// <summary>A migration is paid work: it has room in the outbox that other events cannot take.</summary>
    private static bool IsOutcome(UsageEventRequest request) => request.EventType == UsageEvent.Migration;

    private void LearnAccount(Guid account)
    {
        if (account != Guid.Empty && _account?.Remember(account) == true)
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
        [LoggerMessage(3, LogLevel.Warning, "A usage event was refused; this is logged once for all with the same reason: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);
    }
}
