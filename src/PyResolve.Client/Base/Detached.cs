namespace PyResolve.Client;

/// <summary>Work that belongs to nobody: it inherits no span, culture or context of whoever happens to start it.</summary>
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
