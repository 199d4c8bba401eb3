namespace PyResolve.Server.Storage;

/// <summary>
/// Reads that are asked for at once share a statement, without waiting for more: what queued while others were under way goes together. A
/// read never joins a statement that was sent before it was asked for, so that its caller's own writes are seen. Thread-safe.
/// </summary>
/// <param name="readAll">Answers several keys by one statement; a key that is not there is left out.</param>
internal sealed class SharedReads<TKey, TValue>(Func<IReadOnlyList<TKey>, Task<IReadOnlyDictionary<TKey, TValue>>> readAll)
    where TKey : notnull
    where TValue : class
{
    /// <summary>With one under way, the store would idle while answers are handed out; with more, fewer share.</summary>
    private const int MostUnderWay = 2;

    private const int MostKeys = 256;

    private readonly Lock _gate = new();
    private readonly Queue<Batch> _waiting = [];
    private Batch? _open;
    private int _underWay;

    /// <param name="key">What to read.</param>
    /// <param name="cancellationToken">Abandons the wait alone.</param>
    public async ValueTask<TValue?> ReadAsync(TKey key, CancellationToken cancellationToken)
    {
        Batch batch;
        var mustStart = false;
        lock (_gate)
        {
            if (_open is null || _open.Keys.Count >= MostKeys)
                _waiting.Enqueue(_open = new Batch());
            batch = _open;
            batch.Keys.Add(key);
            if (_underWay < MostUnderWay)
            {
                _underWay++;
                mustStart = true;
            }
        }

        // Not in the request's own context, which this outlives.
        if (mustStart)
            ThreadPool.UnsafeQueueUserWorkItem(static reads => _ = reads.ReadAllAsync(), this, preferLocal: true);
        return (await batch.Task.WaitAsync(cancellationToken)).GetValueOrDefault(key);
    }

    private async Task ReadAllAsync()
    {
        while (Take() is { } batch)
            await batch.AnswerAsync(readAll);
    }

    /// <summary>From here on, nobody joins it.</summary>
    private Batch? Take()
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out var batch))
                _underWay--;
            else if (batch == _open)
                _open = null;
            return batch;
        }
    }

    private sealed class Batch
    {
        private readonly TaskCompletionSource<IReadOnlyDictionary<TKey, TValue>> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

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
