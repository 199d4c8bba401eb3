using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Usage;

public sealed class UsageTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task An_event_is_stored_as_sent(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        await account.Key.PostAsync("/usage", """
            {"event_type":"llm_call","library":"fastapi","tier":"tier2","files_changed":3,"tokens_used":1200,"metadata":{"model":"m","n":[1,2.5]},
             "id":"019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90"}
            """);

        var row = await own.Store.ReadRowAsync(
            "select cast(id as text) id, event_type, library, tier, files_changed, tokens_used, cast(metadata as text) metadata, month, "
            + "quantity from usage_events");
        (row["id"], row["event_type"], row["library"], row["tier"])
            .ShouldBe(("019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", "llm_call", "fastapi", "tier2"));
        (Convert.ToInt32(row["files_changed"]), Convert.ToInt32(row["tokens_used"]), Convert.ToInt32(row["quantity"]))
            .ShouldBe((3, 1200, 1));
        ((string)row["metadata"]).Replace(" ", "", StringComparison.Ordinal).ShouldContain("\"n\":[1,2.5]");
        row["month"].ShouldBe("2026-11");
        (await account.QuotaAsync()).Used.ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task The_same_event_again_is_answered_the_same_and_recorded_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var id = NewId();

        var first = await account.Key.PostAsync(
            "/usage", $$$"""{"event_type":"migration","tier":"tier1","id":"{{{id}}}","metadata":{"a":1,"b":"é"}}""");
        own.Clock.Advance(TimeSpan.FromHours(1));
        var spelledOtherwise = await account.Key.PostAsync(
            "/usage",
            $$$"""{ "metadata" : {"b":"\u00e9", "a":1}, "files_changed":0,"tier":"tier1","event_type":"\u006digration","id":"{{{id}}}" }""");
        var underTheHeader = await account.Key.PostAsync(
            "/usage", """{"event_type":"migration","tier":"tier1","metadata":{"a":1,"b":"é"}}""", id);

        foreach (var answer in (Answer[])[first, spelledOtherwise, underTheHeader])
            answer.ShouldBeJson(200, """{"status":"recorded"}""");
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1);
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task The_answer_names_the_account_to_its_key(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = (await account.Key.GetAsync("/me"))["user_id"].GetString();

        var one = await account.Key.PostAsync("/usage", new { event_type = "scan" });
        var batch = await account.Key.PostAsync("/usage/batch", new { events = new[] { new { event_type = "scan" } } });

        one.Headers.GetValues("X-Account-Id").ShouldBe([id]);
        batch.Headers.GetValues("X-Account-Id").ShouldBe([id]);
    }

    [Theory, OnEveryEngine]
    public async Task Another_event_under_the_same_id_is_a_conflict_and_nothing_is_stored(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = NewId();
        await account.Key.PostAsync("/usage", new { event_type = "migration" }, id);

        (await account.Key.PostAsync("/usage", new { event_type = "migration", tokens_used = 1 }, id)).ShouldBeProblem(409, "conflict");
        (await account.Key.PostAsync("/usage", new { event_type = "migration", occurred_at = "2026-11-15T11:00:00Z" }, id))
            .ShouldBeProblem(409, "conflict");

        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Two_accounts_may_use_the_same_id(StorageEngine engine)
    {
        var first = await servers.SignUpAsync(engine);
        var second = await servers.SignUpAsync(engine);
        var id = NewId();

        (await first.Key.PostAsync("/usage", new { event_type = "migration" }, id)).Status.ShouldBe(200);
        (await second.Key.PostAsync("/usage", new { event_type = "migration", tokens_used = 5 }, id)).Status.ShouldBe(200);

        (await second.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task An_id_and_an_Idempotency_Key_must_be_one(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = NewId();

        (await account.Key.PostAsync("/usage", new { event_type = "scan", id }, id)).Status.ShouldBe(200);
        (await account.Key.PostAsync("/usage", new { event_type = "scan", id }, NewId())).ShouldBeProblem(400, "malformed");
    }

    [Theory, OnEveryEngine]
    public async Task Retries_that_race_record_one_event(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var id = NewId();
        await account.WarmUpAsync();

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => account.Key.PostAsync("/usage", new { event_type = "migration" }, id)));

        answers.ShouldAllBe(answer => answer.Status == 200);
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory]
    [InlineData("2026-10-11T12:00:00Z", true)]
    [InlineData("2026-10-11T11:59:59Z", false)]
    [InlineData("2026-11-15T12:05:00Z", true)]
    [InlineData("2026-11-15T12:05:01Z", false)]
    [InlineData("2026-11-16T01:05:00+13:00", true)]
    [InlineData("2026-11-15T12:05:00", true)]
    public async Task An_event_may_be_35_days_old_and_5_minutes_ahead(string occurredAt, bool isTaken)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var answer = await account.Key.PostAsync("/usage", new { event_type = "scan", occurred_at = occurredAt });

        if (isTaken)
            answer.Status.ShouldBe(200, answer.Text);
        else
            answer.ShouldBeProblem(422, "invalid")["errors"].TryGetProperty("occurred_at", out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData("2026-11-14T23:59:60Z", "2026-11-14T23:59:59.999999Z")]
    [InlineData("2026-10-31T23:59:60.5Z", "2026-10-31T23:59:59.999999Z")]
    [InlineData("2026-11-15T00:59:60+01:00", "2026-11-14T23:59:59.999999Z")]
    [InlineData("2026-11-15t11:00:00z", "2026-11-15T11:00:00Z")]
    [InlineData("2026-11-15t11:00:00.25+00:00", "2026-11-15T11:00:00.25Z")]
    [InlineData("2026-11-14t23:59:60z", "2026-11-14T23:59:59.999999Z")]
    public async Task An_instant_may_have_every_form_of_RFC_3339_also_a_leap_second(string sent, string stored)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var answer = await account.Key.PostAsync("/usage", new { event_type = "scan", occurred_at = sent });

        answer.Status.ShouldBe(200, answer.Text);
        (await account.Key.GetAsync("/usage/events"))["data"][0].GetProperty("occurred_at").GetString().ShouldBe(stored);
    }

    [Theory]
    [InlineData("2026-11-15T11:00:60Z")]
    [InlineData("2026-11-15T11:59:60Z")]
    [InlineData("2026-11-14T23:59:61Z")]
    [InlineData("2026-11-14T23:59:60")]
    [InlineData("2026-11-14T23:59:60.Z")]
    [InlineData("2026-11-14T23:59:60.5.5Z")]
    [InlineData("2026-11-15T11:00:00zz")]
    [InlineData("2026-11-14T23:59:60Z\\")]
    [InlineData("2026-11-14\u000023:59:60Z")]
    public async Task What_is_no_instant_is_refused(string sent)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await account.Key.PostAsync("/usage", new { event_type = "scan", occurred_at = sent })).ShouldBlame("occurred_at");
    }

    [Theory]
    [InlineData("2026-11-15T12:06:00Z", "send the event again later")]
    [InlineData("2026-01-01T00:00:00Z", "at most 35 days back")]
    public async Task An_event_of_a_clock_that_is_ahead_is_not_said_to_be_refused_for_ever(string sent, string says)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres);
        var account = await own.SignUpAsync();
        var usage = new { event_type = "scan", occurred_at = sent };

        var refused = await account.Key.PostAsync("/usage", usage);

        refused.ShouldBeProblem(422, "invalid").Detail!.ShouldContain(says);
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(says.Contains("later", StringComparison.Ordinal) ? 200 : 422);
    }

    [Theory]
    [InlineData("1.0", 1)]
    [InlineData("1e3", 1_000)]
    [InlineData("12.50e1", 125)]
    [InlineData("2147483647.000", int.MaxValue)]
    public async Task A_whole_number_may_be_written_with_a_fraction_or_an_exponent(string written, int tokens)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var id = NewId();

        var first = await account.Key.PostAsync("/usage", $$"""{"event_type":"scan","tokens_used":{{written}},"id":"{{id}}"}""");
        var again = await account.Key.PostAsync("/usage", $$"""{"event_type":"scan","tokens_used":{{tokens}},"id":"{{id}}"}""");

        (first.Status, again.Status).ShouldBe((200, 200), first.Text);
        (await account.Key.GetAsync("/usage/events"))["data"][0].GetProperty("tokens_used").GetInt32().ShouldBe(tokens);
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("\"1200\"")]
    [InlineData("1e10")]
    [InlineData("1e400")]
    [InlineData("2147483647.5")]
    [InlineData("2147483648.0")]
    [InlineData("-1.0")]
    [InlineData("true")]
    public async Task What_is_no_whole_number_in_range_is_refused(string written)
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await account.Key.PostAsync("/usage", $$"""{"event_type":"scan","tokens_used":{{written}}}""")).ShouldBlame("tokens_used");
    }

    [Theory, OnEveryEngine]
    public async Task Metadata_is_answered_as_it_was_sent_with_the_order_of_its_members_and_its_numbers(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        const string Sent = """{"b":1,"a":2,"n":[1e2,1E-7,1e308,1.10,-0,0.1e1],"é":"\u00e9"}""";
        var reservation = (await account.ReserveAsync()).Id();

        (await account.Key.PostAsync("/usage", $$"""{"event_type":"scan","metadata":{{Sent}}}""")).Status.ShouldBe(200);
        (await account.CommitAsync(reservation, $$"""{"metadata":{{Sent}}}""")).Status.ShouldBe(200);

        var events = await account.Key.GetAsync("/usage/events");
        const string Stored = """{"b":1,"a":2,"n":[1e2,1E-7,1e308,1.10,-0,0.1e1],"é":"é"}""";
        events["data"].EnumerateArray().Select(static usage => usage.GetProperty("metadata").GetRawText()).ShouldBe([Stored, Stored]);

        (await account.Key.GetAsync("/usage/export.csv")).Text.ShouldContain("[1e2,1E-7,1e308,1.10,-0,0.1e1]");
    }

    [Theory, OnEveryEngine]
    public async Task An_event_counts_in_the_UTC_month_in_which_it_occurred(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-11-01T00:30:00Z");
        var account = await own.SignUpAsync();

        await account.Key.PostAsync("/usage", new { event_type = "migration", occurred_at = "2026-11-01T13:15:00+13:00" });
        await account.Key.PostAsync("/usage", new { event_type = "migration", occurred_at = "2026-10-31T23:59:59.999999Z" });
        await account.Key.PostAsync("/usage", new { event_type = "migration" });

        (await account.QuotaAsync()).Used.ShouldBe(2);
        (await own.Store.ReadNumberAsync("select migrations from usage_monthly where month = '2026-10'")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task Usage_is_recorded_past_the_limit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        for (var i = 0; i < 7; i++)
            (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 7, Held: 0, Remaining: 0));
        (await account.ReserveAsync()).ShouldBeProblem(402, "quota_exceeded");
    }

    [Theory, OnEveryEngine]
    public async Task An_event_may_name_only_a_reservation_of_its_account_and_tier(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var stranger = await servers.SignUpAsync(engine);
        var id = (await account.ReserveAsync()).Id();
        var foreign = (await stranger.ReserveAsync()).Id();

        (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", reservation_id = NewId() }))
            .ShouldBlame("reservation_id");
        (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1", reservation_id = foreign }))
            .ShouldBlame("reservation_id");
        (await account.Key.PostAsync("/usage", new { event_type = "scan", tier = "tier1", reservation_id = id }))
            .ShouldBlame("reservation_id");
        (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier2", reservation_id = id })).ShouldBlame("tier");
        (await account.Key.PostAsync("/usage", new { event_type = "migration", reservation_id = id })).ShouldBlame("tier");

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 1, Remaining: 4));
    }

    [Theory, OnEveryEngine]
    public async Task A_retry_of_an_event_spends_its_reservation_once(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var reservation = (await account.ReserveAsync(quantity: 3)).Id();
        var usage = new { event_type = "migration", tier = "tier1", reservation_id = reservation, id = NewId() };

        for (var i = 0; i < 3; i++)
            (await account.Key.PostAsync("/usage", usage)).Status.ShouldBe(200);

        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 2, Remaining: 2));
    }

    private static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
}
