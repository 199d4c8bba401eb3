namespace PyResolve.Server.Storage;

internal static class AbandonedTasks
{
    /// <summary>Lets a task run on that nobody waits for any more: that it fails then is no news.</summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
