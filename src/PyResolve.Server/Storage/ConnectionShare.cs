using System.Diagnostics.CodeAnalysis;

namespace PyResolve.Server.Storage;

/// <summary>How many connections some of the requests may have at once, which may change while they are in use. Thread-safe.</summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The semaphore has no wait handle, and requests may still return their places at shutdown.")]
internal sealed class ConnectionShare(int size)
{
    private readonly SemaphoreSlim _free = new(size);
    private readonly Lock _gate = new();
    private int _size = size;

    // Too many are in use: the next ones that are returned are not given to others.
    private int _owed;

    public int Size => Volatile.Read(ref _size);

    public Task<bool> WaitAsync(TimeSpan timeout, CancellationToken cancellationToken) => _free.WaitAsync(timeout, cancellationToken);

    public void Release()
    {
        lock (_gate)
            Give();
    }

    public void Resize(int connections)
    {
        lock (_gate)
        {
            for (; _size > connections; _size--)
                _owed += _free.Wait(0, CancellationToken.None) ? 0 : 1;
            for (; _size < connections; _size++)
                Give();
        }
    }

    private void Give()
    {
        if (_owed > 0)
            _owed--;
        else
            _free.Release();
    }
}
