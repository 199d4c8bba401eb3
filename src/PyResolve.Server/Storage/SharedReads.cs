namespace PyResolve.Server.Storage;

/// <summary>
/// Combines concurrent reads into one statement, without waiting for more: the keys queued while other statements run are read together. A
/// read never joins a statement that was sent before, so that it sees its caller's own writes. Thread-safe.
/// </summary>
internal sealed class SharedReads<TKey, TValue>(Func<IReadOnlyList<TKey>, Task<IReadOnlyDictionary<TKey, TValue>>> readAll)
    where TKey : notnull
    where TValue : class
{
    /// <summary>
    /// The most statements at a time. With one the store would idle while results are handed out; with three, fewer reads would share one.
    /// </summary>
    private const int MaxStatements = 2;

    private const int MaxKeys = 256;

    private readonly Lock _gate = new();
    private readonly Queue<Batch> _waiting = [];
    private Batch? _open;
    private int _running;

    public async ValueTask<TValue?> ReadAsync(TKey key, CancellationToken cancellationToken)
    {
        Batch batch;
        var mustStart = false;
        lock (_gate)
        {
            if (_open is null || _open.Keys.Count >= MaxKeys)
                _waiting.Enqueue(_open = new Batch());
            batch = _open;
            batch.Keys.Add(key);
            if (_running < MaxStatements)
            {
                _running++;
                mustStart = true;
            }
        }

        // Outside the request's execution context, which ends earlier.
        if (mustStart)
            ThreadPool.UnsafeQueueUserWorkItem(static reads => _ = reads.ReadAllAsync(), this, preferLocal: true);
        return (await batch.Task.WaitAsync(cancellationToken)).GetValueOrDefault(key);
    }

    private async Task ReadAllAsync()
    {
        while (Take() is { } batch)
            await batch.AnswerAsync(readAll);
    }

    private Batch? Take()
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out var batch))
                _running--;
            else if (batch == _open)
                _open = null;
            return batch;
        }
    }

    private sealed class Batch
    {
        private readonly TaskCompletionSource<IReadOnlyDictionary<TKey, TValue>> _completion =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HashSet<TKey> Keys { get; } = [];

        public Task<IReadOnlyDictionary<TKey, TValue>> Task => _completion.Task;

        public async Task AnswerAsync(Func<IReadOnlyList<TKey>, Task<IReadOnlyDictionary<TKey, TValue>>> read)
        {
            try
            {
                _completion.SetResult(await read([.. Keys]));
            }
            catch (Exception exception)
            {
                _completion.SetException(exception);
            }
        }
    }
}
