using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

/// <summary>A loop that sends the events in the outbox, a batch at a time.</summary>
internal sealed partial class UsageSender
{
    private const int TriesBeforeFlushFails = 3;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ShutdownDuringOutage = TimeSpan.FromMilliseconds(500);

    private readonly Outbox _outbox;
    private readonly ApiTransport _transport;
    private readonly UsageDelivery _delivery;
    private readonly RejectedEvents _rejected;
    private readonly ServerClock _serverClock;
    private readonly TimeSpan _requestTimeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private long _sent;
    private PyResolveException? _lastFailure;

    public UsageSender(Outbox outbox, RejectedEvents rejected, ApiTransport transport, ILogger logger)
    {
        _outbox = outbox;
        _rejected = rejected;
        _transport = transport;
        _delivery = new(transport);
        _serverClock = transport.ServerClock;
        _requestTimeout = transport.Settings.RequestTimeout;
        _time = transport.Time;
        _logger = logger;
        Queue = new(outbox, RunAsync, ShutdownTimeout, transport.Time);
    }

    public UsageQueue Queue { get; }

    public long Sent => Interlocked.Read(ref _sent);

    public PyResolveException? LastFailure => Volatile.Read(ref _lastFailure);

    /// <summary>Called when sending begins to fail, fails for another reason, or works again.</summary>
    public Action<PyResolveException?>? FailureChanged { get; set; }

    /// <summary>The events are safe on disk: a server that was found out of reach is not waited for.</summary>
    private TimeSpan ShutdownTimeout()
    {
        var timeout = _transport.Settings.ShutdownTimeout;
        return timeout > ShutdownDuringOutage && _transport.Outage.Current is not null ? ShutdownDuringOutage : timeout;
    }

    private async Task RunAsync()
    {
        try
        {
            for (var attempt = 1; await SendAllAsync().ConfigureAwait(false) is { } failure; attempt++)
            {
                var flushRequest = Queue.NextFlushRequest();
                SetFailure(failure);
                Queue.GiveUp(failure);
                await PauseAsync(Retry.Backoff(attempt, LongestPause), flushRequest).ConfigureAwait(false);
            }
        }
        catch (Exception) when (Queue.End.IsCancellationRequested)
        {
            Queue.FailFlushes(new ObjectDisposedException(nameof(UsageReporter), "The reporter is disposed of. Its events are kept."));
            Log.Kept(_logger, _outbox.Count);
        }
    }

    /// <summary>Runs until the queue is closed. Returns an unexpected failure, such as of a logger; the loop continues after it.</summary>
    private async Task<PyResolveException?> SendAllAsync()
    {
        try
        {
            while (true)
            {
                while (Next() is { } batch)
                {
                    await SendUntilSettledAsync(batch).ConfigureAwait(false);
                    _outbox.Settle(batch);
                    Queue.Settle(batch.Events.Count);
                }

                if (Queue.TryFinish())
                    return null;
                await Queue.WaitForWorkAsync().ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (!Queue.End.IsCancellationRequested)
        {
            return UsageDelivery.Describe(exception);
        }
    }

    private OutboxBatch? Next()
    {
        var batch = _outbox.Next(UsageDelivery.LargestBatch);
        if (_outbox.Broken is { } broken)
        {
            SetFailure(broken);
            Queue.FailFlushes(broken);
        }

        return batch;
    }

    private async Task SendUntilSettledAsync(OutboxBatch batch)
    {
        var events = RejectTooOld(batch.Events);
        for (var attempt = 1; events.Count > 0; attempt++)
        {
            var flushRequest = Queue.NextFlushRequest();
            var outcomes = await _delivery.SendAsync(events, Queue.End).ConfigureAwait(false);
            events = Settle(events, outcomes);
            var failure = events.Count == 0 ? null : outcomes.First(static outcome => !outcome.IsFinal).Failure;
            SetFailure(failure);
            if (failure is null)
                return;
            if (attempt >= TriesBeforeFlushFails)
                _transport.BeginOutage(failure);
            var wait = PauseAfter(failure, attempt);
            if (attempt >= TriesBeforeFlushFails || failure.Status is 401 or 403)
                Queue.GiveUp(failure);
            else if (wait > _requestTimeout)
                Queue.GiveUp(failure, unless: flushRequest);
            await PauseAsync(wait, flushRequest).ConfigureAwait(false);
        }
    }

    private List<StoredEvent> RejectTooOld(IReadOnlyList<StoredEvent> events)
    {
        var now = _time.GetUtcNow();
        var accepted = new List<StoredEvent>(events.Count);
        foreach (var stored in events)
        {
            if (!MistimedEvents.IsTooOld(stored, _serverClock, now))
                accepted.Add(stored);
            else
                _rejected.Keep(stored, new(PyResolveErrorCodes.TooOld, "It waited for over 35 days, and the server takes nothing older."));
        }

        return accepted;
    }

    private List<StoredEvent> Settle(List<StoredEvent> events, IReadOnlyList<DeliveryOutcome> outcomes)
    {
        var again = new List<StoredEvent>();
        for (var i = 0; i < events.Count; i++)
        {
            if (!outcomes[i].IsFinal)
                again.Add(events[i]);
            else if (outcomes[i].Failure is not { } reason)
                CountSent();
            else if (reason.Status != 422 || !RequeueCorrected(events[i]))
                _rejected.Keep(events[i], reason);
        }

        return again;
    }

    private void SetFailure(PyResolveException? failure)
    {
        if (Interlocked.Exchange(ref _lastFailure, failure)?.Code == failure?.Code)
            return;
        try
        {
            FailureChanged?.Invoke(failure);
        }
        catch (Exception)
        {
            // The tool's own code must not stop the sending.
        }
    }

    private void CountSent()
    {
        Interlocked.Increment(ref _sent);
        ClientTelemetry.UsageSent.Add(1);
    }

    /// <summary>A rejected time came from a wrong clock. The event goes to the end of the outbox with a corrected time, which is the same
    /// at each attempt; nothing is stored under its id yet, because it was rejected.</summary>
    private bool RequeueCorrected(StoredEvent stored) =>
        MistimedEvents.Correct(stored, _serverClock) is { } corrected && Queue.Requeue(corrected);

    /// <summary>As long as the server asks, up to a limit (a wrong clock may ask for a year); else longer with each attempt.</summary>
    private static TimeSpan PauseAfter(PyResolveException failure, int attempt) => failure switch
    {
        { RetryAfter: { Ticks: > 0 } asked } => asked < PauseAfterRefusal ? asked : PauseAfterRefusal,
        { Status: 401 or 403 } => PauseAfterRefusal,
        _ => Retry.Backoff(attempt, LongestPause),
    };

    /// <summary>Ends early when a flush was requested since the attempt began.</summary>
    private async Task PauseAsync(TimeSpan wait, Task<bool> flushRequest)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Queue.End);
        var pause = _time.DelayAsync(wait, over.Token);
        await Task.WhenAny(pause, flushRequest).ConfigureAwait(false);
        over.Cancel();
        Queue.End.ThrowIfCancellationRequested();
    }

    private static partial class Log
    {
        [LoggerMessage(
            2, LogLevel.Warning, "{Count} usage events wait on disk for the next start: the server did not take them before shutdown")]
        public static partial void Kept(ILogger logger, long count);
    }
}
