using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Statistics;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Statistics;

/// <summary><c>GET /usage/export.csv</c>.</summary>
public sealed class ExportTests(SharedServers servers)
{
    private const string Header =
        "id,event_type,library,tier,quantity,files_changed,tokens_used,month,occurred_at,recorded_at,reservation_id,late,metadata,key_id";

    /// <summary>Events of 16 KB: more than all the buffers between server and client.</summary>
    private const int LargeExport = 1_500;

    [Theory, OnBothEngines]
    public async Task A_month_is_a_file_with_a_header_and_a_line_an_event_oldest_first(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var reservation = (await account.ReserveAsync()).Id();
        var first = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        await account.CommitAsync(reservation, new { files_changed = 2, tokens_used = 9, id = first, metadata = new { a = 1 } });
        await account.ReportAsync(occurredAt: "2026-10-31T00:00:00Z");
        own.Clock.Advance(TimeSpan.FromSeconds(1.5));
        var second = await account.ReportAsync("a, \"b\"", type: "scan", occurredAt: "2026-11-01T00:00:00Z");

        var (answer, response) = await DownloadAsync(account, "?month=2026-11");

        var keyId = await account.KeyIdAsync();
        answer.ShouldBe($$""""
            {{Header}}
            {{first}},migration,pydantic,tier1,1,2,9,2026-11,2026-11-15T12:00:00Z,2026-11-15T12:00:00Z,{{reservation}},false,"{""a"":1}",{{keyId}}
            {{second}},scan,"a, ""b""",,1,0,0,2026-11,2026-11-01T00:00:00Z,2026-11-15T12:00:01.5Z,,false,{},{{keyId}}

            """".ReplaceLineEndings("\r\n"));
        response.Content.Headers.ContentType!.ToString().ShouldBe("text/csv; charset=utf-8");
        response.Content.Headers.ContentDisposition!.ToString().ShouldBe("attachment; filename=\"pyresolve-usage-2026-11.csv\"");
        response.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory, OnBothEngines]
    public async Task A_library_that_is_a_formula_is_escaped(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.ReportAsync("=HYPERLINK(\"http://evil.example\",\"click\")", metadata: new { note = ";=1+1" });

        var (answer, _) = await DownloadAsync(account);

        answer.ShouldContain(",\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"click\"\")\",");
        answer.ShouldContain(";'=1");
    }

    [Theory, OnBothEngines]
    public async Task Without_events_the_export_is_a_header_only(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var (answer, _) = await DownloadAsync(account, "?month=1999-01");

        answer.ShouldBe($"{Header}\r\n");
    }

    [Theory, OnBothEngines]
    public async Task An_export_of_many_chunks_has_every_event_once_in_order(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        // More events of one instant than fit a chunk, then one by one.
        await own.Store.GenerateEventsAsync([account.UserId], count: 10_000);
        await own.Store.ExecuteSqlAsync(
            "update usage_events set created_at = (select max(created_at) from usage_events) where cast(id as text) < "
            + "'00000000-0000-0000-0000-000000001388'");

        var (answer, _) = await DownloadAsync(account, "?month=2026-11");

        var ids = answer.Split("\r\n")[1..^1].Select(
            line => long.Parse(line[24..36], NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        ids.ShouldBe(Enumerable.Range(5_000, 4_999).Concat(Enumerable.Range(0, 5_000)).Append(9_999).Select(id => (long)id));
    }

    [Theory, OnBothEngines]
    public async Task Events_recorded_during_an_export_do_not_extend_it(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], LargeExport, metadataCharacters: 16_000);
        using var response = await StartAsync(account);
        var later = await account.ReportAsync();

        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        text.Split("\r\n").Length.ShouldBe(LargeExport + 2);
        text.ShouldNotContain(later.ToString());
    }

    [Theory, OnBothEngines]
    public async Task A_failure_half_way_does_not_look_like_a_complete_file(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], LargeExport, metadataCharacters: 16_000);
        using var response = await StartAsync(account);

        await own.Store.ExecuteSqlAsync("alter table usage_events rename to elsewhere");

        response.IsSuccessStatusCode.ShouldBeTrue();
        await Should.ThrowAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_store_that_fails_before_the_first_byte_is_answered_with_a_problem(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.ReportAsync();
        await own.Store.ExecuteSqlAsync("alter table usage_events rename to elsewhere");

        (await account.Key.GetAsync("/usage/export.csv")).ShouldBeProblem(500, "internal");
    }

    [Theory, OnBothEngines]
    public async Task A_slow_reader_blocks_no_writer_and_holds_no_connection(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], LargeExport, metadataCharacters: 16_000);
        using var response = await StartAsync(account);

        for (var i = 0; i < 20; i++)
            await account.ReportAsync();

        // These would fail if the export still held a lock or a snapshot.
        if (engine is StorageEngine.Postgres)
            await own.Store.ExecuteSqlAsync("set lock_timeout = '10s'; begin; lock table usage_events in access exclusive mode; commit");
        else
            await Eventually.IsTrueAsync(
                async () => await own.Store.ReadNumberAsync("pragma wal_checkpoint(truncate)") == 0,
                cancellationToken: TestContext.Current.CancellationToken);
        (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split("\r\n").Length.ShouldBe(LargeExport + 2);
    }

    [Theory, OnBothEngines]
    public async Task A_client_that_disconnects_ends_its_export(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.GenerateEventsAsync([account.UserId], count: 200, metadataCharacters: 16_000);
        using var client = new DisconnectingClient(afterPieces: 2);

        await own.Server.Services.GetRequiredService<UsageExport>().SendAsync(client.Http, account.UserId, "2026-11");

        client.Pieces.Count.ShouldBe(2);
        client.Pieces.ShouldAllBe(bytes => bytes > 200 * 1024 && bytes < 300 * 1024);
    }

    private static async Task<(string Text, HttpResponseMessage Response)> DownloadAsync(TestAccount account, string query = "")
    {
        using var response = await StartAsync(account, query);
        return (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), response);
    }

    /// <summary>Reads the headers only.</summary>
    private static async Task<HttpResponseMessage> StartAsync(TestAccount account, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"/usage/export.csv{query}", UriKind.Relative));
        request.Headers.Add("X-API-Key", account.ApiKey);
        var response = await account.Http.SendAsync(
            request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.IsSuccessStatusCode.ShouldBeTrue();
        return response;
    }

    /// <summary>Reads some chunks of a response, notes their size, and disconnects.</summary>
    private sealed class DisconnectingClient : Stream
    {
        private readonly CancellationTokenSource _gone = new();
        private readonly int _afterPieces;

        public DisconnectingClient(int afterPieces)
        {
            _afterPieces = afterPieces;
            Http = new DefaultHttpContext { RequestAborted = _gone.Token };
            Http.Response.Body = this;
        }

        public HttpContext Http { get; }

        public List<int> Pieces { get; } = [];

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Pieces.Add(buffer.Length);
            if (Pieces.Count == _afterPieces)
                _gone.Cancel();
            return ValueTask.CompletedTask;
        }

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Flush()
        {
        }

        protected override void Dispose(bool disposing)
        {
            _gone.Dispose();
            base.Dispose(disposing);
        }
    }
}
