using System.Diagnostics;
using System.Globalization;
using PyResolve.TestKit;

namespace PyResolve.Benchmarks.Servers;

/// <summary>CPU time and memory of the processes that are measured.</summary>
internal static class ProcessCost
{
    /// <summary>Linux counts CPU time in hundredths of a second.</summary>
    private const double TicksASecond = 100;

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

    /// <summary>User and system time of all processes since the start, also of those that have ended. On Linux.</summary>
    public static TimeSpan CpuTime(this PostgresServer server)
    {
        var all = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName)
            .Select(static name => int.TryParse(name, CultureInfo.InvariantCulture, out var id) ? Stat.Read(id) : null)
            .OfType<Stat>();
        return TimeSpan.FromSeconds(
            all.Sum(stat => stat.Id == server.ProcessId ? stat.Own + stat.Ended : stat.Parent == server.ProcessId ? stat.Own : 0)
            / TicksASecond);
    }

    /// <param name="Own">The process' own CPU time, in ticks.</param>
    /// <param name="Ended">That of its children that have ended.</param>
    private sealed record Stat(int Id, int Parent, long Own, long Ended)
    {
        /// <returns>null: there is no such process any more.</returns>
        public static Stat? Read(int id)
        {
            try
            {
                var text = File.ReadAllText($"/proc/{id}/stat");
                // The name before may hold spaces and brackets. The first field here is the state, the third field of the file.
                var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
                long Number(int field) => long.Parse(fields[field], CultureInfo.InvariantCulture);
                return new Stat(id, (int)Number(1), Number(11) + Number(12), Number(13) + Number(14));
            }
            catch (IOException)
            {
                return null;
            }
        }
    }
}
