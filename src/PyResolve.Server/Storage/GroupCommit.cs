namespace PyResolve.Server.Storage;

/// <summary>
/// Writes for many requests at once, by natural batching: one flush runs at a time, and the next takes what queued meanwhile, without
/// waiting for more. Accounts take turns, one submission each, and what is queued is bounded: beyond it, <see cref="OverloadedException"/>.
/// Thread-safe.
/// </summary>
/// <param name="limits">How much may queue, and be flushed at once.</param>
/// <param name="flush">
/// Stores items in one transaction and returns as many results, in their order, once they are committed. May be asked again for some of
/// them after it threw.
/// </param>
/// <param name="refuse">The result of an item that the store does not take even alone. It may throw, which fails the submission; as does not having one.</param>
internal sealed class GroupCommit<TItem, TResult>(
    GroupLimits limits, Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> flush, Func<TItem, Exception, TResult>? refuse = null) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Lane> _lanes = [];
    private readonly Queue<Lane> _turns = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _items;
    private long _bytes;
    private bool _isFlushing;
    private bool _isClosed;

    /// <summary>Stores items of one account, in order, and returns their results once they are committed.</summary>
    /// <param name="account">Whose share of the queue they take.</param>
    /// <param name="items">At least one.</param>
    /// <param name="bytes">About what they take in memory.</param>
    /// <param name="cancellationToken">Abandons the wait alone: what was queued is still stored.</param>
    /// <exception cref="OverloadedException">The queue, or the account's quarter of it, is full. Nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">The store failed. What was being committed may have been stored.</exception>
    public Task<TResult[]> SubmitAsync(Guid account, TItem[] items, long bytes, CancellationToken cancellationToken)
    {
        var submission = new Submission(items, bytes);
        var mustStart = false;
        lock (_gate)
        {
            if (!_lanes.TryGetValue(account, out var lane))
                lane = new Lane(account);
            if (_isClosed || !limits.Admit(_items + items.Length, _bytes + bytes, lane.Items + items.Length, lane.Bytes + bytes))
                throw new OverloadedException("More waits to be written than the server takes on at once, by this account or by all. Nothing was stored: try again shortly.");
            _lanes[account] = lane;
            Count(lane, items.Length, bytes);
            submission.Lane = lane;
            if (lane.Waiting.Count == 0)
                _turns.Enqueue(lane);
            lane.Waiting.Enqueue(submission);
            (mustStart, _isFlushing) = (!_isFlushing, true);
        }

        // Not in the request's own context, which this outlives.
        if (mustStart)
            ThreadPool.UnsafeQueueUserWorkItem(static group => _ = group.FlushAllAsync(), this, preferLocal: false);
        return submission.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Takes nothing more, and returns when what was taken is settled.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            if (!_isFlushing)
                _drained.TrySetResult();
        }

        await _drained.Task;
    }

    private async Task FlushAllAsync()
    {
        while (TakeGroup() is { } group)
        {
            TItem[] items = [.. group.SelectMany(submission => submission.Items)];
            var settled = new Settled[items.Length];
            await SettleAsync(items, settled);

            var taken = 0;
            foreach (var submission in group)
            {
                // Its place in the queue is free before its caller can know.
                lock (_gate)
                    Count(submission.Lane!, -submission.Items.Length, -submission.Bytes);
                submission.Complete(settled.AsSpan(taken, submission.Items.Length));
                taken += submission.Items.Length;
            }
        }
    }

    /// <summary>Whole submissions, as many as a group may hold and at least one.</summary>
    private List<Submission>? TakeGroup()
    {
        lock (_gate)
        {
            var group = new List<Submission>();
            var (items, bytes) = (0, 0L);
            while (_turns.TryPeek(out var lane))
            {
                var next = lane.Waiting.Peek();
                (items, bytes) = (items + next.Items.Length, bytes + next.Bytes);
                if (group.Count > 0 && (items > limits.GroupItems || bytes > limits.GroupBytes))
                    break;
                group.Add(next);
                _turns.Dequeue();
                lane.Waiting.Dequeue();
                if (lane.Waiting.Count > 0)
                    _turns.Enqueue(lane);
            }

            if (group.Count > 0)
                return group;
            _isFlushing = false;
            if (_isClosed)
                _drained.TrySetResult();
            return null;
        }
    }

    /// <summary>An item that the store does not take is found by halving, so that it fails alone.</summary>
    private async Task SettleAsync(ArraySegment<TItem> items, ArraySegment<Settled> settled)
    {
        try
        {
            var results = await flush(items);
            for (var i = 0; i < items.Count; i++)
                settled[i] = new Settled(results[i], Failure: null);
        }
        catch (StoreUnavailableException exception)
        {
            settled.AsSpan().Fill(new Settled(default, exception));
        }
        catch (Exception exception) when (items.Count == 1)
        {
            settled[0] = Refuse(items[0], exception);
        }
        catch (Exception)
        {
            var half = items.Count / 2;
            await SettleAsync(items[..half], settled[..half]);
            await SettleAsync(items[half..], settled[half..]);
        }
    }

    private Settled Refuse(TItem item, Exception exception)
    {
        if (refuse is null)
            return new Settled(default, exception);
        try
        {
            return new Settled(refuse(item, exception), Failure: null);
        }
        catch (Exception failure)
        {
            return new Settled(default, failure);
        }
    }

    private void Count(Lane lane, int items, long bytes)
    {
        _items += items;
        _bytes += bytes;
        lane.Items += items;
        lane.Bytes += bytes;
        if (lane.Items == 0)
            _lanes.Remove(lane.Account);
    }

    /// <summary>What one account has in the queue, and in the flush that runs.</summary>
    private sealed class Lane(Guid account)
    {
        public Guid Account => account;

        public Queue<Submission> Waiting { get; } = new(1);

        public long Items { get; set; }

        public long Bytes { get; set; }
    }

    private sealed class Submission(TItem[] items, long bytes)
    {
        private readonly TaskCompletionSource<TResult[]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TItem[] Items => items;

        public long Bytes => bytes;

        public Lane? Lane { get; set; }

        public Task<TResult[]> Task => _completion.Task;

        public void Complete(ReadOnlySpan<Settled> settled)
        {
            var results = new TResult[settled.Length];
            for (var i = 0; i < settled.Length; i++)
            {
                if (settled[i].Failure is { } failure)
                {
                    _completion.SetException(failure);
                    return;
                }

                results[i] = settled[i].Result!;
            }

            _completion.SetResult(results);
        }
    }

    private readonly record struct Settled(TResult? Result, Exception? Failure);
}

/// <summary>How much may wait for a flush, and how much goes into one. What is being flushed still counts as waiting.</summary>
/// <param name="QueueItems">Of all accounts.</param>
/// <param name="QueueBytes">Of all accounts.</param>
/// <param name="GroupItems">In one flush, unless a single submission has more.</param>
/// <param name="GroupBytes">In one flush, unless a single submission has more.</param>
internal sealed record GroupLimits(int QueueItems, long QueueBytes, int GroupItems, long GroupBytes)
{
    /// <summary>One account may take a quarter of the queue.</summary>
    public const int Shares = 4;

    public bool Admit(long items, long bytes, long itemsOfAccount, long bytesOfAccount) =>
        items <= QueueItems && bytes <= QueueBytes && itemsOfAccount <= QueueItems / Shares && bytesOfAccount <= QueueBytes / Shares;
}

/// <summary>More waits to be written than the server takes on. Nothing was stored; waiting helps.</summary>
/// <param name="message">For the caller, too.</param>
internal sealed class OverloadedException(string message) : Exception(message)
{
    public static TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(1);
}
