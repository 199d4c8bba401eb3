namespace PyResolve.Client;

/// <summary>Someone who waits until the first so many events are settled.</summary>
internal sealed class UsageFlush(long target)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _target = target;

    /// <summary>So many events have come in front.</summary>
    public void Defer(int events) => _target += events;

    public bool TryComplete(long settled)
    {
        if (settled < _target)
            return false;
        _done.TrySetResult(true);
        return true;
    }

    public void Fail(Exception failure) => _done.TrySetException(failure);

    /// <summary>Who has given up already hears of that, not of a failure that came in between.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using (cancellationToken.Register(() => _done.TrySetCanceled(cancellationToken)))
            await _done.Task.ConfigureAwait(false);
    }
}
