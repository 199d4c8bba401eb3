using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// Sends usage events in the background, from a bounded queue in memory: what has not been sent when the process dies is lost. Each event has
/// a fixed id, so that sending it again stores it once. Thread-safe; one for the process.
/// </summary>
public sealed partial class UsageReporter : IAsyncDisposable, IDisposable
{
    private readonly ApiTransport _transport;
    private readonly ClientSettings _settings;
    private readonly UsageSender _sender;
    private readonly ILogger _logger;
    private string? _loggedRefusal;

    internal UsageReporter(ApiTransport transport, ClientSettings settings, ILogger? logger)
    {
        _transport = transport;
        _settings = settings;
        _logger = logger ?? NullLogger.Instance;
        _sender = new(transport, settings.UsageQueueCapacity, _logger);
    }

    /// <summary>Events that were accepted and are neither sent nor rejected. After disposal: the events that were lost.</summary>
    public long Pending => _sender.Pending;

    /// <summary>Events that the server has recorded.</summary>
    public long Sent => _sender.Sent;

    /// <summary>Events that the server refused for good: a bad key, a missing scope, a broken rule. They are not sent again.</summary>
    public long Rejected => _sender.Rejected;

    /// <summary>Why the last rejected event was refused; <see langword="null"/> while none was.</summary>
    public PyResolveException? LastRejection => _sender.LastRejection;

    /// <summary>
    /// Takes an event over. It fixes the event's id and time, and never waits for the network. It refuses, and says why, without a key, when
    /// the queue is full, and after disposal.
    /// </summary>
    /// <param name="usage">What happened.</param>
    /// <exception cref="ArgumentNullException"><paramref name="usage"/> is <see langword="null"/>.</exception>
    public ReportResult Report(UsageEvent usage)
    {
        Guard.NotNull(usage);
        var request = ToWire(usage);
        var refusal = _transport.HasKey
            ? _sender.Accept(request)
            : "There is no API key to report usage for. Run 'pyresolve login', or set PYRESOLVE_API_KEY.";
        if (refusal is null)
            return ReportResult.Accepted(request.Id!.Value);
        if (Interlocked.Exchange(ref _loggedRefusal, refusal) != refusal)
            Log.Refused(_logger, refusal);
        return ReportResult.Refused(refusal);
    }

    /// <summary>
    /// Waits until everything reported before is recorded or rejected (<see cref="Rejected"/>). When the server cannot be reached after a few
    /// tries it throws; the events keep waiting, and are tried again.
    /// </summary>
    /// <param name="cancellationToken">Gives up waiting; the events are sent all the same.</param>
    /// <exception cref="PyResolveException">The server cannot be reached, or fails.</exception>
    public Task FlushAsync(CancellationToken cancellationToken = default) => _sender.FlushAsync(cancellationToken);

    /// <summary>Refuses further events and waits for those on their way, at most <see cref="PyResolveClientOptions.ShutdownTimeout"/>. Never throws for the network.</summary>
    public async ValueTask DisposeAsync() => await _sender.CloseAsync(_settings.ShutdownTimeout).ConfigureAwait(false);

    /// <summary>As <see cref="DisposeAsync"/>, blocking.</summary>
    public void Dispose() => Task.Run(() => _sender.CloseAsync(_settings.ShutdownTimeout)).GetAwaiter().GetResult();

    private UsageEventRequest ToWire(UsageEvent usage) => new()
    {
        Id = usage.Id ?? Uuid.NewVersion7(_transport.Time),
        OccurredAt = usage.OccurredAt ?? _transport.Time.GetUtcNow(),
        EventType = usage.EventType,
        Library = usage.Library,
        Tier = usage.Tier?.ToWire(),
        FilesChanged = usage.FilesChanged,
        TokensUsed = usage.TokensUsed,
        Metadata = usage.Metadata?.Clone(),
        ReservationId = usage.ReservationId,
    };

    private static partial class Log
    {
        [LoggerMessage(3, LogLevel.Warning, "A usage event was refused, and each like it will be: {Reason}")]
        public static partial void Refused(ILogger logger, string reason);
    }
}
