using Microsoft.Extensions.Logging;

namespace PyResolve.Client;

#pragma warning disable CA1001 // Neither token source nor semaphore has a timer or a wait handle: nothing in them needs disposal, and senders may still ask them.

/// <summary>The background half of <see cref="UsageReporter"/>: a loop that takes what waits in the outbox, a batch at a time, until the server has it.</summary>
internal sealed partial class UsageSender(
    UsageReporter reporter,
    Outbox outbox,
    UsageDelivery delivery,
    RejectedEvents rejected,
    ServerClock serverClock,
    ClientSettings settings,
    TimeProvider time,
    ILogger logger)
{
    private const int TriesBeforeFlushFails = 3;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PauseAfterRefusal = TimeSpan.FromMinutes(5);

    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly Gate _gate = new();
    private readonly List<UsageFlush> _flushes = [];
    private TaskCompletionSource<bool> _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _running;
    private bool _closing;
    private long _accepted;
    private long _settledInOrder;
    private long _sent;
    private PyResolveException? _lastFailure;

    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Why the last try failed; <see langword="null"/> when it did not.</summary>
    public PyResolveException? LastFailure => Volatile.Read(ref _lastFailure);

    /// <returns>Why the event was not taken over; <see langword="null"/> when it was.</returns>
    public ReportResult? Accept(byte[] json)
    {
        lock (_gate)
        {
            if (_closing)
                return ReportResult.Refused(ReportRefusal.Disposed, "The reporter is disposed of. Report before disposing of the client.");
            Start();
            if (outbox.Add(json) is { } refusal)
                return refusal;
            _accepted++;
            if (_work.CurrentCount == 0)
                _work.Release();
            return null;
        }
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (BeginFlush() is { } flush)
                await flush.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            await SyncAsync(failure).ConfigureAwait(false);
            throw;
        }
    }

    /// <returns><see langword="null"/> when nothing waits.</returns>
    private UsageFlush? BeginFlush()
    {
        lock (_gate)
        {
            if (!_closing)
            {
                Start();
                Adopt();
            }

            if (outbox.Broken is { } broken)
                throw broken;
            var flush = new UsageFlush(_accepted);
            if (flush.TryComplete(_settledInOrder))
                return null;
            if (_end.IsCancellationRequested)
                throw new ObjectDisposedException(nameof(UsageReporter), "The reporter is disposed of. What still waited is kept for the next one.");
            _flushes.Add(flush);
            _hurry.TrySetResult(true);
            if (_work.CurrentCount == 0)
                _work.Release();
            return flush;
        }
    }

    /// <summary>Makes what a flush did not send safe from a power cut.</summary>
    private async Task SyncAsync(Exception failure)
    {
        try
        {
            await Task.Run(outbox.Sync, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var trouble = $"What waits is not safe from a power cut ({Redaction.Line(exception.Message)}). Make room or check the disk, and flush again.";
            throw failure is OperationCanceledException canceled
                ? new OperationCanceledException($"{canceled.Message} {trouble}", exception, canceled.CancellationToken)
                : new PyResolveException(PyResolveErrorCodes.NotReported, $"{trouble} It was not sent: {failure.Message}", exception);
        }
    }

    /// <summary>Accepts no more, lets the loop drain for as long as it may, then ends it. What still waits stays on disk.</summary>
    public async Task CloseAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        ClientTelemetry.Forget(reporter);
        Task? running;
        lock (_gate)
        {
            _closing = true;
            _hurry.TrySetResult(true);
            _work.Release();
            running = _running;
        }

        if (running is not null)
        {
            using var drained = new CancellationTokenSource();
            await Task.WhenAny(running, time.Pause(settings.ShutdownTimeout, drained.Token)).ConfigureAwait(false);
            drained.Cancel();
            _end.Cancel();
            // However it ended: disposing and the end of a process never throw for it.
            await Task.WhenAny(running).ConfigureAwait(false);
        }

        outbox.Release();
    }

    /// <summary>Under the gate: begins the loop, and takes over what was left behind, at the first use.</summary>
    private void Start()
    {
        if (_running is not null)
            return;
        Adopt();
        _running = Detached.Run(RunAsync);
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        ClientTelemetry.Observe(reporter);
    }

    private void OnProcessExit(object? sender, EventArgs e) => Task.Run(CloseAsync).GetAwaiter().GetResult();

    /// <summary>Looks again for what others left behind, if the loop runs already; it does so by itself when it begins.</summary>
    public void AdoptMore()
    {
        lock (_gate)
        {
            if (_running is not null && !_closing)
                Adopt();
        }
    }

    private void Adopt()
    {
        var adopted = outbox.Adopt();
        _accepted += adopted;
        _flushes.ForEach(flush => flush.Defer(adopted));
        if (adopted > 0 && _work.CurrentCount == 0)
            _work.Release();
    }

    private async Task RunAsync()
    {
        try
        {
            for (var attempt = 1; await SendAllAsync().ConfigureAwait(false) is { } failure; attempt++)
            {
                var hurry = NextHurry();
                Volatile.Write(ref _lastFailure, failure);
                GiveUp(failure);
                await PauseAsync(Retry.Backoff(attempt, LongestPause), hurry).ConfigureAwait(false);
            }
        }
        catch (Exception) when (_end.IsCancellationRequested)
        {
            FailFlushes(new ObjectDisposedException(nameof(UsageReporter), "The reporter was disposed of before every event was sent. They are kept for the next one."));
            Log.Kept(logger, outbox.Count);
        }
    }

    /// <summary>Sends what waits, and what comes, until the reporter closes.</summary>
    /// <returns>What nobody expected, such as a logger of the host's that throws: the loop outlives it.</returns>
    private async Task<PyResolveException?> SendAllAsync()
    {
        try
        {
            while (true)
            {
                while (Next() is { } batch)
                {
                    await SendUntilSettledAsync(batch).ConfigureAwait(false);
                    outbox.Settle(batch);
                    Settle(batch.Events.Count);
                }

                if (SettleAll())
                    return null;
                await _work.WaitAsync(_end.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (!_end.IsCancellationRequested)
        {
            return UsageDelivery.Describe(exception);
        }
    }

    private OutboxBatch? Next()
    {
        var batch = outbox.Next(UsageDelivery.MostAtOnce);
        if (outbox.Broken is { } broken)
        {
            Volatile.Write(ref _lastFailure, broken);
            FailFlushes(broken);
        }

        return batch;
    }

    /// <summary>With nothing left to send, everyone who waits has what they wait for; who waited for what a broken disk has swallowed was told.</summary>
    /// <returns>Whether the loop is over.</returns>
    private bool SettleAll()
    {
        lock (_gate)
        {
            if (outbox.Count > 0)
                return false;
            Settle(checked((int)(_accepted - _settledInOrder)));
            return _closing;
        }
    }

    private async Task SendUntilSettledAsync(OutboxBatch batch)
    {
        var events = WithoutTheOld(batch.Events);
        for (var attempt = 1; events.Count > 0; attempt++)
        {
            var hurry = NextHurry();
            var verdicts = await delivery.SendAsync(events, _end.Token).ConfigureAwait(false);
            events = Sort(events, verdicts);
            var failure = events.Count == 0 ? null : verdicts.First(static verdict => !verdict.IsFinal).Failure;
            Volatile.Write(ref _lastFailure, failure);
            if (failure is null)
                return;
            var wait = PauseAfter(failure, attempt);
            if (attempt >= TriesBeforeFlushFails || failure.Status is 401 or 403)
                GiveUp(failure);
            else if (wait > settings.RequestTimeout)
                GiveUp(failure, unless: hurry);
            await PauseAsync(wait, hurry).ConfigureAwait(false);
        }
    }

    private List<StoredEvent> WithoutTheOld(IReadOnlyList<StoredEvent> events)
    {
        var now = time.GetUtcNow();
        var young = new List<StoredEvent>(events.Count);
        foreach (var stored in events)
        {
            if (!MistimedEvents.IsTooOld(stored, serverClock, now))
                young.Add(stored);
            else
                rejected.Keep(stored, new(PyResolveErrorCodes.TooOld, "It waited for over 35 days, and the server takes nothing older."));
        }

        return young;
    }

    /// <summary>Counts what is settled, and returns what is not.</summary>
    private List<StoredEvent> Sort(List<StoredEvent> events, IReadOnlyList<Verdict> verdicts)
    {
        var again = new List<StoredEvent>();
        for (var i = 0; i < events.Count; i++)
        {
            if (!verdicts[i].IsFinal)
                again.Add(events[i]);
            else if (verdicts[i].Failure is not { } reason)
                CountSent();
            else if (reason.Status != 422 || !SendCorrected(events[i]))
                rejected.Keep(events[i], reason);
        }

        return again;
    }

    private void CountSent()
    {
        Interlocked.Increment(ref _sent);
        ClientTelemetry.UsageSent.Add(1);
    }

    /// <summary>
    /// An event that the server refuses for its time was stamped by a clock that is wrong. It goes to the end of the outbox with the time corrected, so that
    /// it is the same at each try from now on; nothing is stored under its id yet, because it was refused.
    /// </summary>
    private bool SendCorrected(StoredEvent stored)
    {
        if (MistimedEvents.Correct(stored, serverClock) is not { } corrected)
            return false;
        lock (_gate)
        {
            if (!outbox.Restore(corrected))
                return false;
            _accepted++;
            _flushes.ForEach(static flush => flush.Defer(1));
            return true;
        }
    }

    /// <summary>Done when a flush arrives from now on.</summary>
    private Task<bool> NextHurry()
    {
        lock (_gate)
        {
            if (_hurry.Task.IsCompleted)
                _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _hurry.Task;
        }
    }

    /// <summary>As long as the server asks, within reason: what a proxy or a wrong clock says may be a year. Else ever longer.</summary>
    private static TimeSpan PauseAfter(PyResolveException failure, int attempt) => failure switch
    {
        { RetryAfter: { Ticks: > 0 } asked } => asked < PauseAfterRefusal ? asked : PauseAfterRefusal,
        { Status: 401 or 403 } => PauseAfterRefusal,
        _ => Retry.Backoff(attempt, LongestPause),
    };

    /// <summary>A flush that has arrived since the attempt began cuts it short.</summary>
    private async Task PauseAsync(TimeSpan wait, Task<bool> hurry)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        var pause = time.Pause(wait, over.Token);
        await Task.WhenAny(pause, hurry).ConfigureAwait(false);
        over.Cancel();
        _end.Token.ThrowIfCancellationRequested();
    }

    /// <summary>The server is out of reach for now: whoever waits is told, and a reporter that closes waits no longer.</summary>
    /// <param name="failure">What they are told.</param>
    /// <param name="unless">Who flushed during the attempt gets one more, at once.</param>
    private void GiveUp(PyResolveException failure, Task<bool>? unless = null)
    {
        lock (_gate)
        {
            if (unless is { IsCompleted: true })
                return;
            FailFlushes(failure);
            if (_closing)
                _end.Cancel();
        }
    }

    private void Settle(int count)
    {
        lock (_gate)
        {
            _settledInOrder += count;
            _flushes.RemoveAll(flush => flush.TryComplete(_settledInOrder));
        }
    }

    private void FailFlushes(Exception failure)
    {
        lock (_gate)
        {
            _flushes.ForEach(flush => flush.Fail(failure));
            _flushes.Clear();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2, LogLevel.Warning, "{Count} usage events wait on disk for the next start: the server did not take them before shutdown")]
        public static partial void Kept(ILogger logger, long count);
    }
}
