using System.Diagnostics;

namespace PyResolve.Server.Tests.Statistics;

/// <summary>The server has only a chunk of an export in memory.</summary>
[Trait("Category", "Proof")]
public sealed class ExportProof(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_export_larger_than_the_servers_memory_arrives_complete(StorageEngine engine)
    {
        const int MostMegabytes = 256;
        var (count, metadata) = Scale.Pick((20_000, 16_000), (1_000_000, 1_000));
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(store.Settings, TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.GenerateEventsAsync([account.UserId], count, metadataCharacters: metadata);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("/usage/export.csv?month=2026-11", UriKind.Relative));
        request.Headers.Add("X-API-Key", account.ApiKey);

        var start = Stopwatch.GetTimestamp();
        using var response = await server.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var (lines, bytes) = await CountAsync(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        using var process = Process.GetProcessById(server.ProcessId);
        var peak = process.PeakWorkingSet64 / (1024 * 1024);
        lines.ShouldBe(count + 1);
        (bytes / (1024 * 1024)).ShouldBeGreaterThan(MostMegabytes);
        peak.ShouldBeLessThan(MostMegabytes);
        Proofs.Report(
            "usage export", $"{engine}: {count:N0} events, {bytes / (1024 * 1024):N0} MB of CSV, in {seconds:0.0} s from a server that "
            + $"used at most {peak} MB.");
    }

    private static async Task<(int Lines, long Bytes)> CountAsync(Stream stream)
    {
        var buffer = new byte[64 * 1024];
        var (lines, bytes) = (0, 0L);
        for (int read; (read = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0; bytes += read)
            lines += buffer.AsSpan(0, read).Count((byte)'\n');
        return (lines, bytes);
    }
}
