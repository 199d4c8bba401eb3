namespace PyResolve.Client;

#pragma warning disable CA1001 // Neither token source nor semaphore has a timer or a wait handle: no disposal is needed.

/// <summary>Takes events into the outbox, starts the sender at the first use, and tracks which flush waits for which events. All of it is
/// guarded by one lock. Thread-safe.</summary>
internal sealed class UsageQueue(Outbox outbox, Func<Task> send, Func<TimeSpan> shutdownTimeout, TimeProvider time)
{
    private readonly CancellationTokenSource _end = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly Gate _gate = new();
    private readonly List<UsageFlush> _flushes = [];
    private readonly PendingUsage _pending = new(() => outbox.Count, () => outbox.OldestAge);
    private TaskCompletionSource<bool> _flushRequest = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _sending;
    private bool _closing;
    private long _accepted;
    private long _settled;

    /// <summary>Cancelled when sending has to stop, even if events still wait.</summary>
    public CancellationToken End => _end.Token;

    public ReportResult? Accept(byte[] json, bool isOutcome)
    {
        lock (_gate)
        {
            if (_closing)
                return ReportResult.Refused(ReportRefusal.Disposed, "The reporter is disposed of. Report before disposing of the client.");
            Start();
            if (outbox.Add(json, isOutcome) is { } refusal)
                return refusal;
            _accepted++;
            SignalWork();
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

    /// <summary>Accepts no further events; the sender has the shutdown timeout to send the rest, which otherwise stays on disk.</summary>
    public async Task CloseAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        ClientTelemetry.Forget(_pending);
        Task? sending;
        lock (_gate)
        {
            _closing = true;
            _flushRequest.TrySetResult(true);
            _work.Release();
            sending = _sending;
        }

        if (sending is not null)
        {
            using var drained = new CancellationTokenSource();
            await Task.WhenAny(sending, time.DelayAsync(shutdownTimeout(), drained.Token)).ConfigureAwait(false);
            drained.Cancel();
            _end.Cancel();
            // WhenAny: disposing and the end of a process never throw because sending failed.
            await Task.WhenAny(sending).ConfigureAwait(false);
        }

        outbox.Release();
    }

    /// <summary>Looks again for events of other processes and keys, if the sender is running; it does so itself when it starts.</summary>
    public void AdoptMore()
    {
        lock (_gate)
        {
            if (_sending is not null && !_closing)
                Adopt();
        }
    }

    public Task WaitForWorkAsync() => _work.WaitAsync(_end.Token);

    /// <summary>Completed when the next flush is requested.</summary>
    public Task<bool> NextFlushRequest()
    {
        lock (_gate)
        {
            if (_flushRequest.Task.IsCompleted)
                _flushRequest = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return _flushRequest.Task;
        }
    }

    /// <summary>Puts an event that was accepted before at the end of the outbox, with other content.</summary>
    public bool Requeue(StoredEvent stored)
    {
        lock (_gate)
        {
            if (!outbox.Restore(stored))
                return false;
            _accepted++;
            _flushes.ForEach(static flush => flush.Defer(1));
            return true;
        }
    }

    /// <summary>The next <paramref name="count"/> events were sent or rejected: completes the flushes that waited only for them.</summary>
    public void Settle(int count)
    {
        lock (_gate)
        {
            _settled += count;
            _flushes.RemoveAll(flush => flush.TryComplete(_settled));
        }
    }

    /// <summary>Nothing is left to send: completes every flush. Those that waited for events on a broken disk have failed before.</summary>
    /// <returns>Whether sending is over, because the queue is closed.</returns>
    public bool TryFinish()
    {
        lock (_gate)
        {
            if (outbox.Count > 0)
                return false;
            Settle(checked((int)(_accepted - _settled)));
            return _closing;
        }
    }

    /// <summary>The server is out of reach: fails every flush, and ends a closing queue's wait. Does nothing if
    /// <paramref name="unless"/> is completed: a flush requested during the attempt gets another attempt.</summary>
    public void GiveUp(PyResolveException failure, Task<bool>? unless = null)
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

    public void FailFlushes(Exception failure)
    {
        lock (_gate)
        {
            _flushes.ForEach(flush => flush.Fail(failure));
            _flushes.Clear();
        }
    }

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
            if (flush.TryComplete(_settled))
                return null;
            if (_end.IsCancellationRequested)
                throw new ObjectDisposedException(nameof(UsageReporter), "The reporter is disposed of. Events that still waited are kept.");
            _flushes.Add(flush);
            _flushRequest.TrySetResult(true);
            SignalWork();
            return flush;
        }
    }

    private async Task SyncAsync(Exception failure)
    {
        try
        {
            await Task.Run(outbox.Sync, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var trouble = $"Events that wait are not safe from a power cut ({Redaction.Line(exception.Message)}). "
                + "Make room or check the disk, and flush again.";
            throw failure is OperationCanceledException canceled
                ? new OperationCanceledException($"{canceled.Message} {trouble}", exception, canceled.CancellationToken)
                : new PyResolveException(PyResolveErrorCodes.NotReported, $"{trouble} They were not sent: {failure.Message}", exception);
        }
    }

    /// <summary>Called under the lock, at the first use: adopts files of earlier processes, and starts to send.</summary>
    private void Start()
    {
        if (_sending is not null)
            return;
        Adopt();
        _sending = Detached.Run(send);
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        ClientTelemetry.Observe(_pending);
    }

    private void OnProcessExit(object? sender, EventArgs e) => Task.Run(CloseAsync).GetAwaiter().GetResult();

    /// <summary>Called under the lock.</summary>
    private void Adopt()
    {
        var adopted = outbox.Adopt();
        _accepted += adopted;
        _flushes.ForEach(flush => flush.Defer(adopted));
        if (adopted > 0)
            SignalWork();
    }

    private void SignalWork()
    {
        if (_work.CurrentCount == 0)
            _work.Release();
    }
}
