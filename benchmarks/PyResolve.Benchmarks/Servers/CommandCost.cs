using System.Diagnostics;
using PyResolve.Benchmarks.Load;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>What one of the server's commands took, in a process of its own, from its start to its end.</summary>
/// <param name="Elapsed">The start of the runtime included.</param>
/// <param name="PeakBytes">The most resident memory.</param>
/// <param name="Output">What it wrote.</param>
internal sealed record CommandCost(TimeSpan Elapsed, long PeakBytes, string Output)
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <exception cref="InvalidOperationException">It failed. The message quotes it.</exception>
    public static async Task<CommandCost> MeasureAsync(
        string assembly, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> settings, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(ServerProcess.Muxer(), [assembly, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove(LoadGenerator.InlineCompletions);
        foreach (var (name, value) in settings)
            start.Environment[name] = value;

        var startedAt = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            var ended = process.WaitForExitAsync(cancellationToken);
            var peak = 0L;
            while (!ended.IsCompleted)
            {
                peak = Math.Max(peak, PeakOf(process));
                await Task.WhenAny(ended, Task.Delay(Interval, cancellationToken));
            }

            await ended;
            var elapsed = Stopwatch.GetElapsedTime(startedAt);
            return process.ExitCode == 0
                ? new CommandCost(elapsed, peak, await output)
                : throw new InvalidOperationException($"{string.Join(' ', arguments)} failed: {await error}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private static long PeakOf(Process process)
    {
        try
        {
            process.Refresh();
            return process.PeakWorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // It has ended.
            return 0;
        }
    }
}
