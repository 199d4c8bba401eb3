namespace PyResolve.Server.Hosting;

/// <summary>Limits slow hashing, so that the other processors go on serving requests. Thread-safe.</summary>
internal sealed class HashingQueue(int concurrency, int maxWaiting) : IDisposable
{
    private readonly SemaphoreSlim _turns = new(concurrency);
    private int _waiting;

    public HashingQueue(int maxWaiting)
        : this(HalfOfProcessors, maxWaiting)
    {
    }

    public static int HalfOfProcessors { get; } = Math.Max(1, Environment.ProcessorCount / 2);

    /// <returns>A turn, which ends when it is disposed; null where too many wait already.</returns>
    public async Task<IDisposable?> EnterAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > maxWaiting)
                return null;
            await _turns.WaitAsync(cancellationToken);
            return new Turn(_turns);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    public void Dispose() => _turns.Dispose();

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        public void Dispose() => turns.Release();
    }
}
