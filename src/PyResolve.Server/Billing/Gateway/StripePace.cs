using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>
/// Keeps this server's calls below Stripe's limit, which is one for the whole Stripe account. When calls have to wait, those of the
/// server's own work (webhooks, reconciliation) alternate with those that people cause, and people take turns by account: one account's
/// many requests delay neither the webhooks nor the other accounts. Thread-safe.
/// </summary>
/// <param name="perSecond">The most calls that are let through within any second, from 2.</param>
internal sealed class StripePace(int perSecond, TimeProvider time)
{
    /// <summary>How long a call may wait: less than its timeout, so that the log names the cause.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    private const int MaxWaiting = 1_000;

    private static readonly AsyncLocal<Guid?> Account = new();

    private readonly int _burst = Math.Max(1, perSecond / 3);
    private readonly int _perSecond = perSecond - Math.Max(1, perSecond / 3);
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _own = [];
    private readonly FairQueue<TaskCompletionSource> _ofAccounts = new();
    private double _left = Math.Max(1, perSecond / 3);
    private long _countedAt = time.GetTimestamp();
    private bool _isPassing;
    private bool _ownIsNext = true;

    private int Waiting => _own.Count + _ofAccounts.Count;

    /// <summary>Counts the calls of the current asynchronous flow from now on as the account's; by default they are the server's.</summary>
    public static void ActFor(Guid account) => Account.Value = account;

    /// <exception cref="StripeException">Too many calls wait already, or this one waited too long. It was not sent.</exception>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        if (Join() is not { } waiter)
            return;
        try
        {
            await waiter.Task.WaitAsync(MaxWait, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            // Its place is passed over. If its turn came at this moment, it is used.
            if (!waiter.TrySetCanceled(cancellationToken))
                return;
            if (exception is OperationCanceledException)
                throw;
            throw TooMany();
        }
    }

    /// <returns>null: it may go at once.</returns>
    private TaskCompletionSource? Join()
    {
        lock (_gate)
        {
            if (!_isPassing && TryTake() is null)
                return null;
            if (Waiting >= MaxWaiting)
                throw TooMany();
            var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Account.Value is { } account)
                _ofAccounts.Enqueue(account, waiter);
            else
                _own.Enqueue(waiter);
            if (!_isPassing)
            {
                _isPassing = true;
                // Outside the caller's flow, which ends earlier.
                ThreadPool.UnsafeQueueUserWorkItem(static pace => _ = pace.PassAllAsync(), this, preferLocal: false);
            }

            return waiter;
        }
    }

    private async Task PassAllAsync()
    {
        while (PassNext() is { } wait)
        {
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time);
        }
    }

    /// <returns>How long to wait before the next one; null where no call waits.</returns>
    private TimeSpan? PassNext()
    {
        lock (_gate)
        {
            if (Waiting == 0)
            {
                _isPassing = false;
                return null;
            }

            if (TryTake() is { } wait)
                return wait;
            if (!Next().TrySetResult())
                _left++;
            return TimeSpan.Zero;
        }
    }

    /// <returns>null where a call was counted; else how long it must wait.</returns>
    private TimeSpan? TryTake()
    {
        var now = time.GetTimestamp();
        _left = Math.Min(_burst, _left + (time.GetElapsedTime(_countedAt, now).TotalSeconds * _perSecond));
        _countedAt = now;
        if (_left < 1)
            return TimeSpan.FromSeconds((1 - _left) / _perSecond) + TimeSpan.FromMilliseconds(1);
        _left--;
        return null;
    }

    private TaskCompletionSource Next()
    {
        if ((!_ownIsNext || _own.Count == 0) && _ofAccounts.TryDequeue(out var next))
        {
            _ownIsNext = true;
            return next;
        }

        _ownIsNext = false;
        return _own.Dequeue();
    }

    private static StripeException TooMany() =>
        new("Too many calls to Stripe wait: PyResolve:Stripe:RequestsPerSecond bounds them. This one was not sent.") { Status = 429 };
}
