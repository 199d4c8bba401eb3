using System.Diagnostics;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>What a server's process alone has used of the machine.</summary>
internal static class ProcessCost
{
    /// <summary>User and system time since its start, of all its threads.</summary>
    public static TimeSpan CpuTime(this ServerProcess server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.TotalProcessorTime;
    }

    /// <summary>Resident memory, in bytes.</summary>
    public static long ResidentBytes(this ServerProcess server)
    {
        using var process = Process.GetProcessById(server.ProcessId);
        return process.WorkingSet64;
    }
}
