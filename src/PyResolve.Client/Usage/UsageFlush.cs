namespace PyResolve.Client;

/// <summary>Someone who waits until the first so many accepted events are settled.</summary>
internal sealed class UsageFlush(long target)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool TryComplete(long settled)
    {
        if (settled < target)
            return false;
        _done.TrySetResult(true);
        return true;
    }

    public void Fail(Exception failure) => _done.TrySetException(failure);

    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        using (cancellationToken.Register(() => _done.TrySetCanceled(cancellationToken)))
            await _done.Task.ConfigureAwait(false);
    }
}
