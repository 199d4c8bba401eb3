using System.Text.Json;

namespace PyResolve.Client.Tests.Usage;

/// <summary>Events that the server rejects are kept for people to see, and do not delay others.</summary>
public sealed class RejectedEventTests
{
    private static readonly Answer Recorded = Answer.Json(200, """{"status":"recorded"}""");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_rejected_event_is_kept_with_its_reason()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On(
            "POST /usage", Answer.Problem(409, "conflict", "Another usage event has this id already."), Recorded).Client();

        var id = client.Usage.Report(new("scan") { Library = "pydantic" }).EventId.ShouldNotBeNull();
        await client.Usage.FlushAsync(Cancellation);

        var kept = JsonDocument.Parse(await File.ReadAllTextAsync(server.Home.RejectedFiles().Single(), Cancellation)).RootElement;
        kept.GetProperty("code").GetString().ShouldBe("conflict");
        kept.GetProperty("reason").GetString().ShouldBe("Another usage event has this id already.");
        kept.GetProperty("event").GetProperty("id").GetGuid().ShouldBe(id);
        kept.GetProperty("event").GetProperty("library").GetString().ShouldBe("pydantic");
    }

    [Fact]
    public async Task In_a_batch_each_event_has_its_own_result()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage/batch", Verdicts);
        await server.LeaveBehindAsync(events: 8);

        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected, client.Usage.Pending).ShouldBe((6, 2, 0));
        server.Home.RejectedFiles().Count.ShouldBe(2);

        static Answer Verdicts(ReceivedRequest request)
        {
            var events = JsonDocument.Parse(request.Body).RootElement.GetProperty("events").EnumerateArray();
            var results = events.Select(usage => usage.GetProperty("files_changed").GetInt32() switch
            {
                3 => """{"id":null,"status":"invalid","code":"invalid"}""",
                5 => """{"id":null,"status":"conflict","code":"conflict"}""",
                6 => """{"id":null,"status":"duplicate"}""",
                _ => """{"id":null,"status":"recorded"}""",
            });
            return Answer.Json(200, $$"""{"results":[{{string.Join(',', results)}}],"recorded":5}""");
        }
    }

    [Theory]
    [InlineData(400)]
    [InlineData(413)]
    [InlineData(422)]
    public async Task A_rejected_batch_is_sent_event_by_event(int status)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage/batch", Answer.Problem(status, "malformed", "No.")).On("POST /usage", Recorded);

        await SendTenAsync(server);

        server.Requests.Count(request => request.Path == "/usage").ShouldBe(10);
    }

    [Theory]
    [InlineData(404, "not_found")]
    [InlineData(405, "method_not_allowed")]
    public async Task A_server_without_batches_gets_only_one(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /usage/batch", Answer.Problem(status, code, "No.")).On("POST /usage", Recorded);

        await SendTenAsync(server);

        server.Requests.Count(request => request.Path == "/usage/batch").ShouldBe(1);
        server.Requests.Count(request => request.Path == "/usage").ShouldBe(10);
    }

    [Theory]
    [InlineData(401, "unauthenticated")]
    [InlineData(403, "scope_missing")]
    public async Task An_invalid_key_rejects_no_event_and_is_reported_at_once(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        var isRefused = true;
        // The events left behind are first sent by the flush, so that no other attempt is running when it fails.
        await server.LeaveBehindAsync(events: 1);
        await using var client = server.On(
            "POST /usage", _ => Volatile.Read(ref isRefused) ? Answer.Problem(status, code, "No.") : Recorded).Client();

        (await Should.ThrowAsync<PyResolveException>(client.Usage.FlushAsync(Cancellation))).Code.ShouldBe(code);
        (client.Usage.Pending, client.Usage.Rejected).ShouldBe((1, 0));
        client.Usage.LastFailure.ShouldNotBeNull().Status.ShouldBe(status);
        Volatile.Write(ref isRefused, false);
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Pending, client.Usage.Sent).ShouldBe((0, 1));
        client.Usage.LastFailure.ShouldBeNull();
    }

    private static async Task SendTenAsync(ScriptedServer server)
    {
        await server.LeaveBehindAsync(events: 10);
        await using var client = server.Client();
        await client.Usage.FlushAsync(Cancellation);
        client.Usage.Sent.ShouldBe(10);
    }
}
