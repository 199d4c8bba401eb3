using System.Runtime.Versioning;

namespace PyResolve.Client.Tests.Usage;

/// <summary>An accepted event is on disk until the server has it, whichever process sends it.</summary>
public sealed class OutboxTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Events_that_one_client_could_not_send_are_sent_by_the_next()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 30);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Sent, client.Usage.Pending).ShouldBe((30, 30L, 0L));
    }

    [Fact]
    public async Task Adopted_events_are_sent_before_new_ones()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        var left = await server.LeaveBehindAsync(events: 20);

        await using var client = server.Client();
        var newest = client.Usage.Report(new("scan")).EventId.ShouldNotBeNull();
        await client.Usage.FlushAsync(Cancellation);

        ledger.InOrder.ShouldBe([.. left, newest]);
    }

    [Fact]
    public async Task Events_of_a_running_client_are_not_adopted()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var unreachable = server.ClientWithoutNetwork();
        unreachable.Usage.Report(new("scan")).IsAccepted.ShouldBeTrue();

        await using var second = server.ClientWithoutNetwork();
        await using var third = server.Client();
        await third.Usage.FlushAsync(Cancellation);
        await unreachable.DisposeAsync();

        ledger.Charges.ShouldBe(0);
        unreachable.Usage.Pending.ShouldBe(1);
    }

    [Fact]
    public async Task Events_are_never_sent_with_another_key()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 3);

        await using var other = server.Client(options => options.ApiKey = ScriptedServer.Key.Replace('0', 'f'));
        other.Usage.Report(new("scan"));
        await other.Usage.FlushAsync(Cancellation);

        (ledger.Charges, other.Usage.Sent).ShouldBe((1, 1L));
    }

    [Fact]
    public async Task Sent_events_leave_no_file_behind()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var __ = server;
        await using (var client = server.Client())
        {
            for (var i = 0; i < 100; i++)
                client.Usage.Report(new("scan"));
        }

        server.Home.OutboxFiles().ShouldBeEmpty();
    }

    [Fact]
    public async Task An_unreachable_server_leaves_one_file_however_often_the_tool_runs()
    {
        await using var server = await ScriptedServer.StartAsync();

        for (var run = 1; run <= 5; run++)
        {
            await server.LeaveBehindAsync(events: 1);
            server.Home.OutboxFiles().Count.ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_truncated_event_is_dropped_and_those_before_it_are_sent()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 3);
        using (var file = File.OpenWrite(server.Home.OutboxFiles().Single()))
            file.SetLength(file.Length - 5);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Sent).ShouldBe((2, 2L));
    }

    [Theory]
    [InlineData("")]
    [InlineData("PYR")]
    [InlineData("PYRSEG99 of a later version")]
    public async Task A_file_of_another_format_does_no_harm(string content)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await server.LeaveBehindAsync(events: 1);
        var strange = Path.Combine(Path.GetDirectoryName(server.Home.OutboxFiles().Single())!, "0.events");
        await File.WriteAllTextAsync(strange, content, Cancellation);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        ledger.Charges.ShouldBe(1);
        File.Exists(strange).ShouldBe(content.Length > 8);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    [Trait("Platform", "Unix")]
    public async Task Only_the_owner_can_read_the_outbox()
    {
        await using var server = await ScriptedServer.StartAsync();
        await server.LeaveBehindAsync(events: 1);

        var file = server.Home.OutboxFiles().Single();

        File.GetUnixFileMode(file).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        foreach (var folder in new[] { Path.GetDirectoryName(file)!, Path.Combine(server.Home.Path, "outbox"), server.Home.Path })
            File.GetUnixFileMode(folder).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, folder);
        File.ReadAllText(file).ShouldNotContain(ScriptedServer.Key);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_refuses_and_says_so()
    {
        await using var server = await ScriptedServer.StartAsync();
        Directory.CreateDirectory(server.Home.Path);
        await File.WriteAllTextAsync(Path.Combine(server.Home.Path, "outbox"), "no folder", Cancellation);
        await using var client = server.Client();

        var result = client.Usage.Report(new("scan"));

        (result.IsAccepted, result.Refusal).ShouldBe((false, ReportRefusal.NotWritable));
        result.Reason.ShouldNotBeNull().ShouldContain("PYRESOLVE_HOME");
    }

    [Fact]
    public async Task Bytes_are_limited_too()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.ClientWithoutNetwork(options => options.OutboxBytes = 1024);

        var results = Enumerable.Range(0, 20).Select(_ => client.Usage.Report(new("scan"))).ToList();

        results.Count(result => result.IsAccepted).ShouldBeInRange(2, 8);
        results[^1].Refusal.ShouldBe(ReportRefusal.Full);
        results[^1].Reason.ShouldNotBeNull().ShouldContain("OutboxBytes");
    }

    [Fact]
    public async Task Events_of_several_files_arrive_each_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        using var large = System.Text.Json.JsonDocument.Parse($$"""{"text":"{{new string('x', 15_000)}}"}""");
        await using (var offline = server.ClientWithoutNetwork())
        {
            for (var i = 0; i < 600; i++)
                offline.Usage.Report(new("scan") { Metadata = large.RootElement }).IsAccepted.ShouldBeTrue();
        }

        server.Home.OutboxFiles().Count.ShouldBe(3);
        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (ledger.Charges, client.Usage.Sent).ShouldBe((600, 600L));
    }
}
