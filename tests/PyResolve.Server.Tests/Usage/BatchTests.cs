using System.Text.Json;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Usage;

public sealed class BatchTests(SharedServers servers)
{
    private const string Id = "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90";

    [Theory, OnEveryEngine]
    public async Task Each_event_is_answered_in_the_order_sent(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var (stored, taken, fresh) = (NewId(), NewId(), NewId());
        await account.Key.PostAsync("/usage", new { event_type = "migration", id = stored });
        await account.Key.PostAsync("/usage", new { event_type = "migration", id = taken });

        var answer = await account.Key.PostAsync("/usage/batch", new
        {
            events = new object[]
            {
                new { event_type = "migration", id = stored },
                new { event_type = "scan", id = taken },
                new { event_type = "migration", id = fresh },
                new { event_type = "Migration", id = Id },
                new { event_type = "migration" },
            },
        });

        answer.Status.ShouldBe(200, answer.Text);
        Results(answer).Select(StatusOf).ShouldBe(["duplicate", "conflict", "recorded", "invalid", "recorded"]);
        Ids(answer).Take(4).ShouldBe([stored, taken, fresh, Id]);
        Guid.TryParse(Ids(answer)[4], out _).ShouldBeTrue();
        Results(answer)[1].GetProperty("code").GetString().ShouldBe("conflict");
        Results(answer)[3].GetProperty("code").GetString().ShouldBe("invalid");
        Results(answer)[3].GetProperty("errors").TryGetProperty("event_type", out _).ShouldBeTrue();
        Counts(answer).ShouldBe((2, 1, 1, 1));
        (await account.QuotaAsync()).Used.ShouldBe(4);
    }

    [Theory]
    [InlineData("1", null, "invalid", "body")]
    [InlineData("null", null, "invalid", "body")]
    [InlineData("[]", null, "invalid", "body")]
    [InlineData("{}", null, "invalid", "event_type")]
    [InlineData($$"""{"event_type":"scan","tokens_used":"1","id":"{{Id}}"}""", Id, "invalid", "tokens_used")]
    [InlineData($$"""{"event_type":"scan","library":1,"id":"{{Id}}"}""", Id, "invalid", "library")]
    [InlineData("""{"event_type":"scan","id":"42"}""", null, "invalid", "id")]
    [InlineData("""{"event_type":"scan","id":"\ud800"}""", null, "invalid", "id")]
    [InlineData("""{"event_type":"scan","id":7}""", null, "invalid", "id")]
    [InlineData($$"""{"event_type":"scan","reservation_id":"{{Id}}","id":"{{Id}}"}""", Id, "invalid", "reservation_id")]
    [InlineData($$"""{"event_type":"migration","reservation_id":"{{Id}}","id":"{{Id}}"}""", Id, "invalid", "reservation_id")]
    [InlineData($$"""{"event_type":"scan","occurred_at":"2001-01-01T00:00:00Z","id":"{{Id}}"}""", Id, "invalid", "occurred_at")]
    [InlineData($$"""{"event_type":"scan","event_type":"scan","id":"{{Id}}"}""", Id, "malformed", null)]
    [InlineData($$"""{"event_type":"scan","metadata":{"a":1,"a":2},"id":"{{Id}}"}""", Id, "malformed", null)]
    [InlineData($$"""{"event_type":"scan","metadata":{"\ud800":1},"id":"{{Id}}"}""", Id, "malformed", null)]
    [InlineData($$"""{"event_type":"scan","id":"{{Id}}","\ud800":1}""", Id, "malformed", null)]
    public async Task An_error_in_one_event_does_not_affect_the_others(string bad, string? id, string code, string? field)
    {
        var account = await servers.SignUpAsync(StorageEngine.Postgres);

        var answer = await account.Key.PostAsync(
            "/usage/batch", $$"""{"events":[{"event_type":"migration"},{{bad}},{"event_type":"migration"}]}""");

        answer.Status.ShouldBe(200, answer.Text);
        Results(answer).Select(StatusOf).ShouldBe(["recorded", "invalid", "recorded"]);
        var result = Results(answer)[1];
        result.GetProperty("id").GetString().ShouldBe(id);
        result.GetProperty("code").GetString().ShouldBe(code);
        if (field is not null)
            result.GetProperty("errors").EnumerateObject().Select(error => error.Name).ShouldBe([field]);
        (await account.QuotaAsync()).Used.ShouldBe(2);
    }

    [Theory]
    [InlineData("""{"event_type":"scan","event_type":"scan"}""")]
    [InlineData("""{"event_type":"scan","metadata":{"a":1,"a":2}}""")]
    [InlineData("""{"event_type":"scan","metadata":{"\ud800":1}}""")]
    [InlineData("""{"event_type":"scan","tokens_used":"1"}""")]
    [InlineData("""{"event_type":"scan","library":"\ud800"}""")]
    [InlineData("""{"event_type":"Scan"}""")]
    [InlineData("""{"event_type":"scan","occurred_at":"2099-01-01T00:00:00Z"}""")]
    public async Task An_event_that_was_not_stored_is_found_by_its_position_and_has_the_reason_that_it_would_get_alone(string bad)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        string Good(int count) => string.Join(',', Enumerable.Repeat("""{"event_type":"scan"}""", count));

        var alone = await account.Key.PostAsync("/usage", bad);
        var answer = await account.Key.PostAsync("/usage/batch", $$"""{"events":[{{Good(500)}},{{bad}},{{Good(499)}}]}""");

        Counts(answer).ShouldBe((999, 0, 0, 1));
        var result = Results(answer).Single(result => StatusOf(result) == "invalid");
        result.GetProperty("index").GetInt32().ShouldBe(500);
        result.GetProperty("code").GetString().ShouldBe(alone.Code);
        result.GetProperty("detail").GetString().ShouldBe(alone.Detail);
        Results(answer).Count(other => other.TryGetProperty("index", out _)).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Of_one_id_given_twice_the_first_is_recorded(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var (same, other) = (NewId(), NewId());

        var answer = await account.Key.PostAsync("/usage/batch", new
        {
            events = new object[]
            {
                new { event_type = "migration", id = same },
                new { event_type = "migration", id = other, tokens_used = 1 },
                new { event_type = "migration", id = same },
                new { event_type = "migration", id = other, tokens_used = 2 },
            },
        });

        Results(answer).Select(StatusOf).ShouldBe(["recorded", "recorded", "duplicate", "conflict"]);
        (await account.QuotaAsync()).Used.ShouldBe(2);
    }

    [Theory, OnEveryEngine]
    public async Task Events_spend_the_units_of_a_reservation_in_their_order_and_the_rest_is_late(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var reservation = (await account.ReserveAsync(quantity: 2)).Id();
        var again = NewId();
        var usage = new { event_type = "migration", tier = "tier1", reservation_id = reservation };

        var answer = await account.Key.PostAsync("/usage/batch", new
        {
            events = new object[]
            {
                new { usage.event_type, usage.tier, usage.reservation_id, id = again },
                new { usage.event_type, tier = "tier2", usage.reservation_id },
                new { usage.event_type, usage.tier, usage.reservation_id, id = again },
                usage, usage, usage,
            },
        });

        Results(answer).Select(StatusOf).ShouldBe(["recorded", "invalid", "duplicate", "recorded", "recorded", "recorded"]);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events where late")).ShouldBe(2);
        (await own.Store.ReadNumberAsync("select count(*) from reservations where state = 'committed' and remaining = 0")).ShouldBe(1);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 4, Held: 0, Remaining: 1));
    }

    [Theory, OnEveryEngine]
    public async Task A_thousand_events_are_one_batch_and_sent_again_they_are_duplicates(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var batch = JsonSerializer.Serialize(new
        {
            events = Enumerable.Range(0, 1_000).Select(
                i => new { event_type = "migration", library = $"library {i % 7}", tokens_used = i, id = NewId() }),
        });

        Counts(await account.Key.PostAsync("/usage/batch", batch)).ShouldBe((1_000, 0, 0, 0));
        Counts(await account.Key.PostAsync("/usage/batch", batch)).ShouldBe((0, 1_000, 0, 0));

        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1_000);
        (await own.Store.ReadNumberAsync("select total_tokens from usage_monthly")).ShouldBe(499_500);
        (await own.Store.ReadNumberAsync("select sum(migrations) from usage_libraries")).ShouldBe(1_000);
    }

    [Theory, OnEveryEngine]
    public async Task A_batch_may_be_4_MiB_at_most(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        string Batch(int events) => JsonSerializer.Serialize(new
        {
            events = Enumerable.Repeat(new { event_type = "scan", metadata = new { a = new string('x', 16 * 1024 - 8) } }, events),
        });

        Counts(await account.Key.PostAsync("/usage/batch", Batch(250))).ShouldBe((250, 0, 0, 0));
        (await account.Key.PostAsync("/usage/batch", Batch(257))).ShouldBeProblem(413, "too_large");
    }

    [Fact]
    public async Task A_key_needs_the_scope_usage_write()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var made = await account.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "usage:read" } });
        var reader = new Caller(account.Http, "X-API-Key", made["api_key"].GetString());

        (await reader.PostAsync("/usage/batch", new { events = new[] { new { event_type = "scan" } } }))
            .ShouldBeProblem(403, "scope_missing");
    }

    private static List<JsonElement> Results(Answer answer) => [.. answer["results"].EnumerateArray()];

    private static string? StatusOf(JsonElement result) => result.GetProperty("status").GetString();

    private static List<string?> Ids(Answer answer) => [.. Results(answer).Select(result => result.GetProperty("id").GetString())];

    private static (int Recorded, int Duplicates, int Conflicts, int Invalid) Counts(Answer answer) => (
        answer["recorded"].GetInt32(), answer["duplicates"].GetInt32(), answer["conflicts"].GetInt32(), answer["invalid"].GetInt32());

    private static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
}
