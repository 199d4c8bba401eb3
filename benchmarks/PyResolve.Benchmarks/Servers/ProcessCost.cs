using System.Diagnostics;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>CPU time and memory of a server's process.</summary>
internal static class ProcessCost
{
    /// <summary>User and system time of all threads since the start.</summary>
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
