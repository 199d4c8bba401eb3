using System;

namespace PyResolve.MSBuild;

/// <summary>A gate between its start and the compilation, which waits for it.</summary>
internal sealed class StartedGate(
    WorkerProcess worker, Func<WorkerProcess>? startPortable, GateStamp stamp, string digest, bool isEnforced) : IDisposable
{
    private Func<WorkerProcess>? _startPortable = startPortable;

    public WorkerProcess Worker { get; private set; } = worker;

    /// <summary>A native worker that has ended without a word cannot run here, such as with an older libc. The portable one can.</summary>
    /// <returns>Whether <see cref="Worker"/> is another one now.</returns>
    /// <exception cref="System.ComponentModel.Win32Exception">There is no .NET runtime to run it.</exception>
    public bool TryPortable()
    {
        if (_startPortable is not { } start || !Worker.IsSilent)
            return false;
        _startPortable = null;
        Worker.Dispose();
        Worker = start();
        return true;
    }

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
        Worker.Stop();
        Worker.Dispose();
    }
}
