using System.Text;

namespace PyResolve.Client.Tests;

public sealed class UsageExportTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_export_of_any_length_is_copied()
    {
        var csv = string.Concat(Enumerable.Range(0, 400_000).Select(i => $"{i},scan\r\n"));
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /usage/export.csv", new Answer(200, "text/csv; charset=utf-8", csv)).Client();
        using var copy = new MemoryStream();

        await client.ExportUsageAsync(copy, "2026-11", Cancellation);

        Encoding.UTF8.GetString(copy.ToArray()).ShouldBe(csv);
        var request = server.Requests.Single();
        (request.Query, request.Header("X-API-Key")).ShouldBe(("?month=2026-11", ScriptedServer.Key));
    }

    [Fact]
    public async Task A_truncated_export_throws()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /usage/export.csv", new Answer(200, "text/csv", "id,event_type\r\n") { IsCutShort = true })
            .Client();

        (await Should.ThrowAsync<PyResolveException>(client.ExportUsageAsync(Stream.Null, cancellationToken: Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Unreachable);
    }

    [Fact]
    public async Task A_refused_export_says_why_and_writes_nothing()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /usage/export.csv", Answer.Problem(403, "scope_missing", "No."), Answer.Html()).Client();
        using var copy = new MemoryStream();

        (await Should.ThrowAsync<PyResolveException>(client.ExportUsageAsync(copy, cancellationToken: Cancellation)))
            .Code.ShouldBe(ProblemCodes.ScopeMissing);
        (await Should.ThrowAsync<PyResolveException>(client.ExportUsageAsync(copy, cancellationToken: Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.UnexpectedAnswer);

        copy.Length.ShouldBe(0);
    }

    [Fact]
    public async Task An_answer_that_never_comes_times_out()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /usage/export.csv", Answer.Never)
            .Client(options => options.RequestTimeout = TimeSpan.FromMilliseconds(200));

        (await Should.ThrowAsync<PyResolveException>(client.ExportUsageAsync(Stream.Null, cancellationToken: Cancellation)))
            .Code.ShouldBe(PyResolveErrorCodes.Timeout);
    }

    [Fact]
    public async Task Events_are_read_page_by_page_to_the_last_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /usage/events", Page(1, "\"next\""), Page(2, "null"));
        await using var client = server.Client();

        var files = await client.EnumerateUsageEventsAsync("2026-11", Cancellation).Select(usage => usage.FilesChanged)
            .ToListAsync(Cancellation);

        files.ShouldBe([1, 2]);
        server.Requests.Select(request => request.Query).ShouldBe(["?month=2026-11", "?cursor=next&month=2026-11"]);
    }

    private static Answer Page(int files, string cursor) => Answer.Json(200, $$"""
        {"data":[{"id":"00000000-0000-0000-0000-000000000001","event_type":"scan","library":null,"tier":null,"quantity":1,"files_changed":{{files}},"tokens_used":0,
          "metadata":{},"month":"2026-11","occurred_at":"2026-11-23T00:00:00Z","recorded_at":"2026-11-23T00:00:00Z","reservation_id":null,"late":false}],"next_cursor":{{cursor}}}
        """);
}
