namespace PyResolve.Server.Storage;

internal static class AbandonedTasks
{
    /// <summary>Observes the exception of a task that nothing awaits any longer.</summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static failed => _ = failed.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
