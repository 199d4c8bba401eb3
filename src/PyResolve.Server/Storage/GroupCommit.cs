namespace PyResolve.Server.Storage;

/// <summary>
/// Commits the writes of many requests together, by natural batching: one flush runs at a time, and the next one takes what was queued
/// during it, without waiting for more. Accounts take turns, one submission each, and the queue is bounded. Thread-safe.
/// </summary>
/// <remarks>Each shard has a flush of its own, so that one which is down delays and fails nobody else's writes.</remarks>
/// <param name="flush">
/// Is given items of one shard. Results in order, once committed. After an exception it is called again with some of the items.
/// </param>
/// <param name="refuse">The result of an item that the store rejects even alone; where absent, or when it throws, the item fails.</param>
/// <param name="findShard">The part of the store that has an account's rows; where absent, all are in one.</param>
/// <param name="timeout">How long an item waits, in the queue and for its flush together; where absent, as long as these take.</param>
internal sealed class GroupCommit<TItem, TResult>(
    GroupLimits limits,
    Func<IReadOnlyList<TItem>, Task<IReadOnlyList<TResult>>> flush,
    Func<TItem, Exception, TResult>? refuse = null,
    Func<Guid, CancellationToken, ValueTask<long>>? findShard = null,
    TimeSpan? timeout = null)
    : IAsyncDisposable
{
    /// <summary>How often in the timeout a flush that takes long is looked at.</summary>
    private const int Looks = 32;

    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Lane> _lanes = [];
    private readonly Dictionary<long, Shard> _shards = [];
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _items;
    private long _bytes;
    private int _flushing;
    private bool _isClosed;

    /// <summary>Commits the items, and returns their results. Cancelling ends only the wait: queued items are still stored.</summary>
    /// <exception cref="OverloadedException">The queue, or the account's share of it, is full. Nothing was stored.</exception>
    /// <exception cref="StoreUnavailableException">
    /// The store failed, or did not answer in time. The items may have been committed all the same, or may be later.
    /// </exception>
    public Task<TResult[]> SubmitAsync(Guid account, TItem[] items, long bytes, CancellationToken cancellationToken)
    {
        var finding = findShard?.Invoke(account, cancellationToken) ?? default;
        return finding.IsCompletedSuccessfully
            ? Submit(finding.Result, account, items, bytes, cancellationToken)
            : SubmitOnceFoundAsync(finding);

        async Task<TResult[]> SubmitOnceFoundAsync(ValueTask<long> shard) =>
            await Submit(await shard, account, items, bytes, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _isClosed = true;
            if (_flushing == 0)
                _drained.TrySetResult();
        }

        await _drained.Task;
    }

    private Task<TResult[]> Submit(long shardId, Guid account, TItem[] items, long bytes, CancellationToken cancellationToken)
    {
        var submission = new Submission(items, bytes);
        Shard? shard;
        var mustStart = false;
        lock (_gate)
        {
            if (!_lanes.TryGetValue(account, out var lane))
                lane = new Lane(account);
            if (_isClosed || !limits.Admit(_items + items.Length, _bytes + bytes, lane.Items + items.Length, lane.Bytes + bytes))
            {
                throw new OverloadedException(
                    "Too many writes are queued, by this account or by all. Nothing was stored: try again shortly.");
            }

            _lanes[account] = lane;
            Count(lane, items.Length, bytes);
            submission.Lane = lane;
            if (!_shards.TryGetValue(shardId, out shard))
                _shards[shardId] = shard = new Shard();
            if (lane.Waiting.Count == 0)
                shard.Turns.Enqueue(lane);
            lane.Waiting.Enqueue(submission);
            mustStart = !shard.IsFlushing;
            if (mustStart)
                _flushing++;
            shard.IsFlushing = true;
        }

        // Outside the request's execution context, which ends earlier.
        if (mustStart)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                static start => _ = start.Group.FlushAllAsync(start.Shard), (Group: this, Shard: shard), preferLocal: false);
        }

        return submission.Task.WaitAsync(cancellationToken);
    }

    private async Task FlushAllAsync(Shard shard)
    {
        while (TakeGroup(shard) is { } group)
        {
            TItem[] items = [.. group.SelectMany(submission => submission.Items)];
            var outcomes = new ItemOutcome[items.Length];
            var flushing = FlushAsync(items, outcomes);
            if (timeout is { } limit)
                await AnswerLateOnesAsync(flushing, group, shard, limit);
            await flushing;

            var taken = 0;
            foreach (var submission in group)
            {
                // Its place in the queue is free before its caller sees the result.
                lock (_gate)
                    Count(submission.Lane!, -submission.Items.Length, -submission.Bytes);
                submission.Complete(outcomes.AsSpan(taken, submission.Items.Length));
                taken += submission.Items.Length;
            }
        }
    }

    /// <summary>Fails those that have waited long enough, while the flush goes on. Those in the queue are not stored any more.</summary>
    private async Task AnswerLateOnesAsync(Task flushing, List<Submission> group, Shard shard, TimeSpan limit)
    {
        while (!flushing.IsCompleted)
        {
            await flushing.WaitAsync(limit / Looks, RealTime).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (flushing.IsCompleted)
                return;
            List<Submission> late = [.. group.Where(submission => submission.IsLate(limit)), .. TakeLateOnes(shard, limit)];
            foreach (var submission in late)
                submission.Fail(new StoreUnavailableException("The database did not confirm a write in time.", cause: null));
        }
    }

    private List<Submission> TakeLateOnes(Shard shard, TimeSpan limit)
    {
        var late = new List<Submission>();
        lock (_gate)
        {
            for (var turns = shard.Turns.Count; turns > 0; turns--)
            {
                var lane = shard.Turns.Dequeue();
                while (lane.Waiting.TryPeek(out var first) && first.IsLate(limit))
                {
                    lane.Waiting.Dequeue();
                    Count(lane, -first.Items.Length, -first.Bytes);
                    late.Add(first);
                }

                if (lane.Waiting.Count > 0)
                    shard.Turns.Enqueue(lane);
            }
        }

        return late;
    }

    /// <summary>Takes as many whole submissions as the limits of a group allow, and at least one.</summary>
    private List<Submission>? TakeGroup(Shard shard)
    {
        lock (_gate)
        {
            var group = new List<Submission>();
            var (items, bytes) = (0, 0L);
            while (shard.Turns.TryPeek(out var lane))
            {
                var next = lane.Waiting.Peek();
                (items, bytes) = (items + next.Items.Length, bytes + next.Bytes);
                if (group.Count > 0 && (items > limits.GroupItems || bytes > limits.GroupBytes))
                    break;
                group.Add(next);
                shard.Turns.Dequeue();
                lane.Waiting.Dequeue();
                if (lane.Waiting.Count > 0)
                    shard.Turns.Enqueue(lane);
            }

            if (group.Count > 0)
                return group;
            shard.IsFlushing = false;
            _flushing--;
            if (_isClosed && _flushing == 0)
                _drained.TrySetResult();
            return null;
        }
    }

    /// <summary>Commits the items. Where the store rejects one, halves them until that one fails alone.</summary>
    private async Task FlushAsync(ArraySegment<TItem> items, ArraySegment<ItemOutcome> outcomes)
    {
        try
        {
            var results = await flush(items);
            for (var i = 0; i < items.Count; i++)
                outcomes[i] = new ItemOutcome(results[i], Failure: null);
        }
        catch (StoreUnavailableException exception)
        {
            outcomes.AsSpan().Fill(new ItemOutcome(default, exception));
        }
        catch (Exception exception) when (items.Count == 1)
        {
            outcomes[0] = Refuse(items[0], exception);
        }
        catch (Exception)
        {
            var half = items.Count / 2;
            await FlushAsync(items[..half], outcomes[..half]);
            await FlushAsync(items[half..], outcomes[half..]);
        }
    }

    private ItemOutcome Refuse(TItem item, Exception exception)
    {
        if (refuse is null)
            return new ItemOutcome(default, exception);
        try
        {
            return new ItemOutcome(refuse(item, exception), Failure: null);
        }
        catch (Exception failure)
        {
            return new ItemOutcome(default, failure);
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

    /// <summary>
    /// The accounts that wait, in one part of the store, in the order of their turns. There are few parts, and they stay.
    /// </summary>
    private sealed class Shard
    {
        public Queue<Lane> Turns { get; } = [];

        public bool IsFlushing { get; set; }
    }

    /// <summary>What one account has queued or in the running flush.</summary>
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
        private readonly long _submittedAt = RealTime.GetTimestamp();

        public TItem[] Items => items;

        public long Bytes => bytes;

        public Lane? Lane { get; set; }

        public Task<TResult[]> Task => _completion.Task;

        public bool IsLate(TimeSpan limit) => !Task.IsCompleted && RealTime.GetElapsedTime(_submittedAt) >= limit;

        public void Fail(Exception exception) => _completion.TrySetException(exception);

        /// <summary>Without an effect where it was answered before.</summary>
        public void Complete(ReadOnlySpan<ItemOutcome> outcomes)
        {
            var results = new TResult[outcomes.Length];
            for (var i = 0; i < outcomes.Length; i++)
            {
                if (outcomes[i].Failure is { } failure)
                {
                    Fail(failure);
                    return;
                }

                results[i] = outcomes[i].Result!;
            }

            _completion.TrySetResult(results);
        }
    }

    private readonly record struct ItemOutcome(TResult? Result, Exception? Failure);
}

/// <summary>
/// The limits of the queue and of a group. Items of the running flush count as queued. A single submission may exceed the limits of a
/// group.
/// </summary>
internal sealed record GroupLimits(int QueueItems, long QueueBytes, int GroupItems, long GroupBytes)
{
    /// <summary>An account may fill one part in this number of the queue: a quarter.</summary>
    public const int Shares = 4;

    public bool Admit(long items, long bytes, long itemsOfAccount, long bytesOfAccount) =>
        items <= QueueItems && bytes <= QueueBytes && itemsOfAccount <= QueueItems / Shares && bytesOfAccount <= QueueBytes / Shares;
}

/// <summary>Nothing was stored, and a retry helps. The message is shown to the client.</summary>
internal sealed class OverloadedException(string message) : Exception(message)
{
    public static TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(1);
}
