using PyResolve.Benchmarks.Load;
using PyResolve.Benchmarks.Servers;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Measuring;

/// <summary>One measurement.</summary>
/// <param name="Requests">How many were answered.</param>
/// <param name="PerSecond">Requests a second.</param>
/// <param name="CpuMicroseconds">CPU time of the server's process alone, a request.</param>
/// <param name="MedianMilliseconds">The latency that half of the requests stayed below.</param>
/// <param name="TailMilliseconds">The latency that 99 of 100 stayed below.</param>
internal sealed record Sample(int Requests, double PerSecond, double CpuMicroseconds, double MedianMilliseconds, double TailMilliseconds)
{
    /// <param name="server">Whose CPU time is read before and after.</param>
    /// <param name="run">Sends the load.</param>
    public static async Task<Sample> TakeAsync(ServerProcess server, Func<Task<Answers>> run)
    {
        var before = server.CpuTime();
        var answers = await run();
        var cpu = server.CpuTime() - before;
        return new Sample(
            answers.Count, answers.PerSecond, cpu.TotalMicroseconds / answers.Count, answers.MedianMilliseconds, answers.TailMilliseconds);
    }
}
