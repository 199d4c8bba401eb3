using System;

namespace PyResolve.MSBuild;

/// <summary>A gate between its start and the compilation, which waits for it.</summary>
internal sealed class StartedGate(WorkerProcess worker, GateStamp stamp, string digest, bool isEnforced) : IDisposable
{
    public WorkerProcess Worker => worker;

    /// <summary>The next build of the same need not ask.</summary>
    /// <param name="text">What to say again then. What depends on the server is asked for again.</param>
    public void Remember(string text)
    {
        if (isEnforced || text.Length > 0)
            stamp.Write(digest, isEnforced ? "" : text);
    }

    /// <summary>A worker that still runs gives back what it holds.</summary>
    public void Dispose()
    {
        worker.Stop();
        worker.Dispose();
    }
}
