namespace PyResolve.Server.Hosting;

/// <summary>
/// Turns at slow work, such as hashing. Accounts that wait take turns, one each, so that one account's many requests delay another's by a
/// single turn. Thread-safe.
/// </summary>
internal sealed class FairTurns(int concurrency, int maxWaiting)
{
    /// <summary>One account may fill this fraction of the queue: a quarter.</summary>
    private const int Shares = 4;

    private readonly Lock _gate = new();
    private readonly FairQueue<TaskCompletionSource> _waiters = new();
    private int _free = concurrency;

    public int Waiting
    {
        get
        {
            lock (_gate)
                return _waiters.Count;
        }
    }

    /// <returns>A turn, which ends when it is disposed; null where too many wait already, of this account or of all.</returns>
    public async Task<IDisposable?> EnterAsync(Guid account, CancellationToken cancellationToken)
    {
        var waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (_free > 0)
            {
                _free--;
                return new Turn(this);
            }

            if (_waiters.Count >= maxWaiting || _waiters.CountOf(account) >= Math.Max(1, maxWaiting / Shares))
                return null;
            _waiters.Enqueue(account, waiter);
        }

        // A waiter that was cancelled keeps its place until its turn comes, and is passed over then.
        await using var cancellation = cancellationToken.Register(() => waiter.TrySetCanceled(cancellationToken));
        await waiter.Task;
        return new Turn(this);
    }

    private void Leave()
    {
        lock (_gate)
        {
            while (_waiters.TryDequeue(out var next))
            {
                if (next.TrySetResult())
                    return;
            }

            _free++;
        }
    }

    private sealed class Turn(FairTurns turns) : IDisposable
    {
        private FairTurns? _turns = turns;

        public void Dispose() => Interlocked.Exchange(ref _turns, null)?.Leave();
    }
}
