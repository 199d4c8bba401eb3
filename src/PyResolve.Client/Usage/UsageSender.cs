using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

#pragma warning disable CA1001 // The token source has no timer and no wait handle: nothing in it needs disposal, and senders may still ask it.

/// <summary>The background half of <see cref="UsageReporter"/>: a loop that takes what waits, a handful at a time, until the server has it.</summary>
internal sealed partial class UsageSender(ApiTransport transport, int capacity, ILogger logger)
{
    private const int AtOnce = 8;
    private const int TriesBeforeFlushFails = 3;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly Channel<UsageEventRequest> _queue = Channel.CreateUnbounded<UsageEventRequest>(new() { SingleReader = true });
    private readonly CancellationTokenSource _end = new();
    private readonly Gate _gate = new();
    private readonly List<UsageFlush> _flushes = [];
    private TaskCompletionSource<bool> _hurry = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _running;
    private bool _closed;
    private long _accepted;
    private long _settledInOrder;
    private long _sent;
    private long _rejected;
    private PyResolveException? _lastRejection;

    public long Pending => Math.Max(0, Interlocked.Read(ref _accepted) - Sent - Rejected);

    public long Sent => Interlocked.Read(ref _sent);

    public long Rejected => Interlocked.Read(ref _rejected);

    public PyResolveException? LastRejection => Volatile.Read(ref _lastRejection);

    public string? Accept(UsageEventRequest usage)
    {
        lock (_gate)
        {
            if (_closed)
                return "The reporter is disposed of. Report before disposing of the client.";
            if (Pending >= capacity)
                return $"{capacity} events already wait for the server. Flush and report again, or raise UsageQueueCapacity.";
            _queue.Writer.TryWrite(usage);
            Interlocked.Increment(ref _accepted);
            _running ??= Task.Run(RunAsync);
            return null;
        }
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        UsageFlush flush;
        lock (_gate)
        {
            flush = new(_accepted);
            if (flush.TryComplete(_settledInOrder))
                return;
            if (_end.IsCancellationRequested)
                throw new ObjectDisposedException(nameof(UsageReporter), "The reporter is disposed of; what still waited is lost.");
            _flushes.Add(flush);
            _hurry.TrySetResult(true);
        }

        await flush.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Accepts no more, lets the loop drain for so long, then ends it.</summary>
    public async Task CloseAsync(TimeSpan timeout)
    {
        Task? running;
        lock (_gate)
        {
            _closed = true;
            _queue.Writer.TryComplete();
            _hurry.TrySetResult(true);
            running = _running;
        }

        if (running is null)
            return;
        using var drained = new CancellationTokenSource();
        await Task.WhenAny(running, transport.Time.Pause(timeout, drained.Token)).ConfigureAwait(false);
        drained.Cancel();
        _end.Cancel();
        await running.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        try
        {
            while (await _queue.Reader.WaitToReadAsync(_end.Token).ConfigureAwait(false))
            {
                var events = Take();
                var count = events.Count;
                await SendUntilSettledAsync(events).ConfigureAwait(false);
                Settle(count);
            }
        }
        catch (Exception) when (_end.IsCancellationRequested)
        {
            Log.Lost(logger, Pending);
            FailFlushes(new ObjectDisposedException(nameof(UsageReporter), "The reporter was disposed of before every event was sent."));
        }
    }

    private List<UsageEventRequest> Take()
    {
        var taken = new List<UsageEventRequest>(AtOnce);
        while (taken.Count < AtOnce && _queue.Reader.TryRead(out var next))
            taken.Add(next);
        return taken;
    }

    private async Task SendUntilSettledAsync(List<UsageEventRequest> events)
    {
        for (var attempt = 1; ; attempt++)
        {
            var hurry = NextHurry();
            var failures = await Task.WhenAll(events.ConvertAll(SendAsync)).ConfigureAwait(false);
            events = [.. events.Where((_, i) => failures[i] is not null)];
            if (events.Count == 0)
                return;
            var failure = failures.First(static failure => failure is not null)!;
            if (attempt >= TriesBeforeFlushFails)
                FailFlushes(failure);
            await PauseAsync(failure, attempt, hurry).ConfigureAwait(false);
        }
    }

    /// <summary>Sends one event. What it returns is worth another try; what is not is counted.</summary>
    private async Task<PyResolveException?> SendAsync(UsageEventRequest usage)
    {
        try
        {
            await transport.RecordUsageAsync(usage, _end.Token).ConfigureAwait(false);
            Interlocked.Increment(ref _sent);
            return null;
        }
        catch (PyResolveException exception) when (IsForGood(exception))
        {
            Volatile.Write(ref _lastRejection, exception);
            Interlocked.Increment(ref _rejected);
            Log.Rejected(logger, usage.Id, exception.Code, exception.Message);
            return null;
        }
        catch (PyResolveException exception)
        {
            return exception;
        }
        catch (Exception exception) when (!_end.IsCancellationRequested)
        {
            // A message handler of the host's may throw anything; the loop outlives it.
            return new(PyResolveErrorCodes.Unreachable, $"Cannot send usage: {Redaction.Line(exception.Message)}", exception);
        }
    }

    private static bool IsForGood(PyResolveException exception) =>
        exception is { Status: >= 400 and < 500 and not (408 or 425 or 429), Code: not PyResolveErrorCodes.UnexpectedAnswer };

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

    /// <summary>Waits as long as the server asks, or ever longer; a flush that has arrived since the attempt began cuts it short.</summary>
    private async Task PauseAsync(PyResolveException failure, int attempt, Task<bool> hurry)
    {
        var wait = failure.RetryAfter is { } asked && asked > TimeSpan.Zero ? asked : Retry.Backoff(attempt, LongestPause);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
        var pause = transport.Time.Pause(wait, over.Token);
        await Task.WhenAny(pause, hurry).ConfigureAwait(false);
        over.Cancel();
        _end.Token.ThrowIfCancellationRequested();
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
        [LoggerMessage(1, LogLevel.Warning, "Usage event {EventId} was rejected and is not sent again ({Code}): {Reason}")]
        public static partial void Rejected(ILogger logger, Guid? eventId, string code, string reason);

        [LoggerMessage(2, LogLevel.Warning, "{Count} usage events were lost: the server did not take them before shutdown")]
        public static partial void Lost(ILogger logger, long count);
    }
}
