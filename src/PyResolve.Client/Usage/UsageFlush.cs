namespace PyResolve.Client;

/// <summary>A caller that waits until the first <paramref name="target"/> events are settled.</summary>
internal sealed class UsageFlush(long target)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _target = target;

    public void Defer(int events) => _target += events;

    public bool TryComplete(long settled)
    {
        if (settled < _target)
            return false;
        _done.TrySetResult(true);
        return true;
    }

    public void Fail(Exception failure) => _done.TrySetException(failure);

    /// <summary>A token that is cancelled already takes precedence over a failure.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using (cancellationToken.Register(() => _done.TrySetCanceled(cancellationToken)))
            await _done.Task.ConfigureAwait(false);
    }
}
