namespace PyResolve.Client;

/// <summary>Background work without the execution context (span, async locals) of the caller that happens to start it.</summary>
internal static class Detached
{
    public static Task Run(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed())
            return Task.Run(work);
        using (ExecutionContext.SuppressFlow())
            return Task.Run(work);
    }
}
