using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.Versioning;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace PyResolve.Client.Tests.Usage;

/// <summary>Damage by the disk is reported, counted and kept; nothing is dropped silently.</summary>
public sealed class DamagedOutboxTests
{
    private static readonly Answer Recorded = Answer.Json(200, """{"status":"recorded"}""");

    /// <summary>Each bit of the second record's length, which is between two others or the last.</summary>
    public static TheoryData<int, int> LengthBits =>
        new(from events in new[] { 3, 2 } from bit in Enumerable.Range(0, 32) select (bit, events));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_that_is_damaged_in_its_middle_is_kept_and_its_intact_events_are_sent()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 3);
        var content = Damage(server.Home.OutboxFiles().Single(), part: 0.5);
        using var log = new RecordedLog();
        await using var provider = Services(server, log);
        var usage = provider.GetRequiredService<UsageReporter>();

        await usage.FlushAsync(Cancellation);
        await usage.FlushAsync(Cancellation);

        (ledger.Charges, usage.Sent, usage.Rejected, usage.Pending).ShouldBe((2, 2L, 1L, 0L));
        usage.LastRejection.ShouldNotBeNull().Code.ShouldBe(PyResolveErrorCodes.Damaged);
        (await File.ReadAllBytesAsync(server.Home.DamagedFiles().Single(), Cancellation)).ShouldBe(content);
        log.Lines.Count(line => line.Contains("was damaged", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Theory]
    [MemberData(nameof(LengthBits))]
    public async Task A_length_with_a_flipped_bit_costs_only_its_own_event(int bit, int events)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events);
        var file = server.Home.OutboxFiles().Single();
        var content = FlipBit(file, Starts(file)[1], bit);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Sent, client.Usage.Rejected, client.Usage.Pending).ShouldBe((events - 1, events - 1L, 1L, 0L));
        (await File.ReadAllBytesAsync(server.Home.DamagedFiles().Single(), Cancellation)).ShouldBe(content);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(100)]
    public async Task A_record_truncated_by_a_crash_is_not_damage(int left)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 3);
        var path = server.Home.OutboxFiles().Single();
        var end = Starts(path)[2] + left;
        using (var file = File.OpenWrite(path))
            file.SetLength(end);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Rejected, server.Home.DamagedFiles().Count).ShouldBe((2, 0, 0));
    }

    /// <summary>A gap longer than a record can be, and a process that repairs it without a network.</summary>
    [Fact]
    public async Task A_repaired_file_is_intact_for_the_next_process()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        using var large = System.Text.Json.JsonDocument.Parse($$"""{"text":"{{new string('x', 15_000)}}"}""");
        await using (var offline = server.ClientWithoutNetwork())
        {
            for (var i = 0; i < 200; i++)
                offline.Usage.Report(new("scan") { Metadata = large.RootElement }).IsAccepted.ShouldBeTrue();
        }

        var file = server.Home.OutboxFiles().Single();
        var (starts, content) = (Starts(file), await File.ReadAllBytesAsync(file, Cancellation));
        content.AsSpan(starts[20], starts[170] - starts[20]).Clear();
        await File.WriteAllBytesAsync(file, content, Cancellation);
        await using (var repairing = server.ClientWithoutNetwork())
        {
            repairing.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();
            repairing.Usage.Rejected.ShouldBe(1);
        }

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Rejected, client.Usage.Pending).ShouldBe((51, 0, 0));
        (await File.ReadAllBytesAsync(server.Home.DamagedFiles().Single(), Cancellation)).ShouldBe(content);
    }

    [Fact]
    public async Task A_file_of_another_version_is_named_once_and_left_alone()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var __ = server;
        await server.LeaveBehindAsync(events: 1);
        var strange = Path.Combine(Path.GetDirectoryName(server.Home.OutboxFiles().Single())!, "0.events");
        await File.WriteAllTextAsync(strange, "PYRSEG99 of a later version", Cancellation);
        using var log = new RecordedLog();
        await using var provider = Services(server, log);

        await provider.GetRequiredService<UsageReporter>().FlushAsync(Cancellation);
        await provider.GetRequiredService<UsageReporter>().FlushAsync(Cancellation);

        log.Lines.Count(line => line.StartsWith(strange, StringComparison.Ordinal)).ShouldBe(1);
        File.Exists(strange).ShouldBeTrue();
    }

    [Theory]
    [InlineData(5)]
    [InlineData(4096)]
    public async Task A_tail_of_zeros_is_not_damage(int zeros)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 2);
        using (var file = File.OpenWrite(server.Home.OutboxFiles().Single()))
            file.SetLength(file.Length + zeros);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Rejected, server.Home.DamagedFiles().Count).ShouldBe((2, 0, 0));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    [Trait("Platform", "Unix")]
    public async Task A_flush_fails_when_the_disk_no_longer_returns_the_events()
    {
        await using var server = await ScriptedServer.StartAsync();
        var isAsked = new TaskCompletionSource();
        var isBusy = true;
        server.On("POST /usage", _ => Volatile.Read(ref isBusy) && (isAsked.TrySetResult() || true) ? Answer.Busy(300) : Recorded);
        await using var client = server.Client();
        client.Usage.Report(new("scan"));
        await isAsked.Task;
        client.Usage.Report(new("scan"));
        var file = server.Home.OutboxFiles().Single();
        var seek = $"seek={new FileInfo(file).Length - 2}";
        string[] arguments = ["if=/dev/zero", $"of={file}", "bs=1", "count=1", seek, "conv=notrunc", "status=none"];
        using (var overwriting = Process.Start("dd", arguments))
            await overwriting.WaitForExitAsync(Cancellation);
        Volatile.Write(ref isBusy, false);

        (await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation))).Code.ShouldBe(PyResolveErrorCodes.Damaged);
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Rejected, client.Usage.Pending, server.Home.DamagedFiles().Count).ShouldBe((1, 0, 1));
    }

    /// <summary>Changes one byte, and returns the new content.</summary>
    private static byte[] Damage(string path, double part)
    {
        var content = File.ReadAllBytes(path);
        content[(int)(content.Length * part)] ^= 0xFF;
        File.WriteAllBytes(path, content);
        return content;
    }

    /// <summary>Changes one bit of the number at that offset, and returns the new content.</summary>
    private static byte[] FlipBit(string path, int start, int bit)
    {
        var content = File.ReadAllBytes(path);
        content[start + (bit / 8)] ^= (byte)(1 << (bit % 8));
        File.WriteAllBytes(path, content);
        return content;
    }

    /// <summary>The offsets of a file's records.</summary>
    private static List<int> Starts(string path)
    {
        var content = File.ReadAllBytes(path);
        var starts = new List<int>();
        for (var start = 8; start < content.Length; start += 8 + BinaryPrimitives.ReadInt32LittleEndian(content.AsSpan(start)))
            starts.Add(start);
        return starts;
    }

    private static ServiceProvider Services(ScriptedServer server, RecordedLog log)
    {
        var services = new ServiceCollection().AddLogging(logging => logging.AddProvider(log));
        services.AddPyResolveClient(
            options => (options.ApiUrl, options.ApiKey, options.Home) = (server.Url, ScriptedServer.Key, server.Home.Path));
        return services.BuildServiceProvider();
    }
}
