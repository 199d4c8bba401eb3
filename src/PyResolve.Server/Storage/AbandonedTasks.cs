namespace PyResolve.Server.Storage;

internal static class AbandonedTasks
{
    /// <summary>A key that was read is not accepted later than a second after it was asked for.</summary>
    private static readonly TimeSpan Briefly = TimeSpan.FromMilliseconds(250);

    /// <summary>Observes the exception of a task that nothing awaits any longer.</summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static failed => _ = failed.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>For a write that a read can do without: it goes on where the store does not answer at once.</summary>
    public static async Task WaitBrieflyAsync(this Task write, CancellationToken cancellationToken)
    {
        write.Forget();
        try
        {
            await write.WaitAsync(Briefly, TimeProvider.System, cancellationToken);
        }
        catch (Exception exception) when (exception is StoreUnavailableException or TimeoutException)
        {
            // As while its synchronous standby is missing.
        }
    }
}
