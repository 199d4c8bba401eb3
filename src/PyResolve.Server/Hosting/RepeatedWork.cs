namespace PyResolve.Server.Hosting;

/// <summary>
/// Work at once, then every <paramref name="interval"/>, and as soon as <paramref name="wake"/> is signalled. After a failure it is tried
/// again after the interval; the first failure in a row is reported, then about one a minute.
/// </summary>
internal abstract class RepeatedWork(TimeSpan interval, TimeProvider time, WakeSignal? wake = null) : BackgroundService
{
    private readonly WakeSignal _wake = wake ?? new WakeSignal();
    private readonly int _failuresPerReport = (int)Math.Max(1, TimeSpan.FromMinutes(1) / interval);

    protected TimeProvider Time => time;

    /// <summary>The wait after work that succeeded; longer or shorter than the interval where the next work is known.</summary>
    protected virtual TimeSpan NextWait => interval;

    protected abstract Task WorkAsync(CancellationToken cancellationToken);

    protected abstract void Failed(Exception exception);

    protected virtual void Recovered()
    {
    }

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                await WorkAsync(stoppingToken);
                if (failures > 0)
                    Recovered();
                failures = 0;
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                if (failures++ % _failuresPerReport == 0)
                    Failed(exception);
                await Task.Delay(interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            await _wake.WaitAsync(NextWait, time, stoppingToken);
        }
    }
}

/// <summary>Ends one waiter's wait early. A signal while nothing waits ends the next wait at once. Thread-safe.</summary>
internal sealed class WakeSignal
{
    private volatile TaskCompletionSource _signal = Create();

    public void Set() => _signal.TrySetResult();

    /// <summary>Returns after <paramref name="timeout"/>, when set, or when cancelled. One caller at a time.</summary>
    public async Task WaitAsync(TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        await _signal.Task.WaitAsync(timeout, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_signal.Task.IsCompleted)
            _signal = Create();
    }

    private static TaskCompletionSource Create() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
