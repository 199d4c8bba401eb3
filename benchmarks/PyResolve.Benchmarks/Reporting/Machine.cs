using System.Globalization;
using System.Runtime.InteropServices;
using Npgsql;

namespace PyResolve.Benchmarks.Reporting;

/// <summary>The facts about the machine that matter for the figures.</summary>
/// <param name="Facts">Cores, memory, versions.</param>
/// <param name="LoadAverage">The number of threads that wanted to run in the last minute.</param>
internal sealed record Machine(string Facts, double LoadAverage)
{
    public bool IsBusy => LoadAverage > Environment.ProcessorCount;

    public static async Task<Machine> ReadAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("show server_version");
        var postgres = ((string)(await command.ExecuteScalarAsync(cancellationToken))!).Split(' ')[0];
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (1024.0 * 1024 * 1024);
        return new Machine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{Environment.ProcessorCount} cores, {memory:0} GiB, {RuntimeInformation.FrameworkDescription}, "
            + $"PostgreSQL {postgres} (durable); load, servers and database share the machine"),
            await ReadLoadAverageAsync(cancellationToken));
    }

    // Only Linux has this file; on other systems the machine counts as idle.
    private static async Task<double> ReadLoadAverageAsync(CancellationToken cancellationToken) => File.Exists("/proc/loadavg")
        ? double.Parse((await File.ReadAllTextAsync("/proc/loadavg", cancellationToken)).Split(' ')[0], CultureInfo.InvariantCulture)
        : 0;
}
