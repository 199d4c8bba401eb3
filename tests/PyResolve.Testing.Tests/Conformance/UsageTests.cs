using System.Text;
using System.Text.Json;

namespace PyResolve.Testing.Tests.Conformance;

public sealed class UsageTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task An_event_is_recorded_once_however_often_it_arrives(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var id = Guid.CreateVersion7();
        await using (var client = subject.Client(account))
        {
            for (var i = 0; i < 3; i++)
            {
                client.Usage.Report(new("migration")
                {
                    Id = id, OccurredAt = subject.Clock.GetUtcNow(), Library = "pydantic", Tier = MigrationTier.Tier1,
                }).IsAccepted.ShouldBeTrue();
            }

            client.Usage.Report(new("scan") { FilesChanged = 4 });
            await client.Usage.FlushAsync(Cancellation);
            (client.Usage.Sent, client.Usage.Rejected).ShouldBe((4, 0), client.Usage.LastRejection?.Message);
        }

        await using var other = subject.Client(account);
        (await other.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
        (await other.EnumerateUsageEventsAsync(cancellationToken: Cancellation).CountAsync(Cancellation)).ShouldBe(2);
    }

    [Theory, OnEveryServer]
    public async Task Another_event_with_a_used_id_is_rejected_and_kept(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var id = Guid.CreateVersion7();
        client.Usage.Report(new("scan") { Id = id, FilesChanged = 1 });
        await client.Usage.FlushAsync(Cancellation);

        client.Usage.Report(new("scan") { Id = id, FilesChanged = 2 });
        await client.Usage.FlushAsync(Cancellation);

        (client.Usage.Sent, client.Usage.Rejected).ShouldBe((1, 1));
        client.Usage.LastRejection.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.Conflict);
    }

    [Theory, OnEveryServer]
    public async Task Each_event_of_a_batch_gets_its_own_status(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var scan = new UsageEventRequest { EventType = "scan", Id = Guid.CreateVersion7(), Metadata = Json("""{"a":1,"b":[1,{"c":2}]}""") };

        var answer = await client.RecordUsageBatchAsync(
            [
                scan,
                scan with { Metadata = Json("""{ "b": [1, {"c": 2}], "a": 1 }""") },
                scan with { Metadata = Json("""{"a":1.0,"b":[1,{"c":2}]}""") },
                new() { EventType = "Scan", Id = Guid.CreateVersion7() },
                new() { EventType = "llm_call" },
            ],
            Cancellation);

        answer.Results.Select(result => result.Status).ShouldBe(["recorded", "duplicate", "conflict", "invalid", "recorded"]);
        answer.Results.Select(result => result.Code).ShouldBe([null, null, "conflict", "invalid", null]);
        (answer.Recorded, answer.Duplicates, answer.Conflicts, answer.Invalid).ShouldBe((2, 1, 1, 1));
        answer.Results[0].Id.ShouldBe(scan.Id);
        answer.Results[3].Errors.ShouldNotBeNull().Keys.ShouldBe(["event_type"]);
        answer.Results[4].Id.ShouldNotBeNull();
    }

    [Theory, OnEveryServer]
    public async Task An_event_can_be_sent_again_with_its_id_or_its_idempotency_key(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var key = Guid.CreateVersion7();

        for (var i = 0; i < 2; i++)
            (await account.Key.PostAsync("/usage", new { event_type = "migration" }, key.ToString())).Status.ShouldBe(200);

        (await account.Key.PostAsync("/usage", new { event_type = "migration", id = key })).Status.ShouldBe(200);
        (await account.Key.PostAsync("/usage", new { event_type = "scan", id = key })).ShouldBeProblem(409, "conflict");
        (await account.Key.PostAsync("/usage", new { event_type = "scan", id = Guid.CreateVersion7() }, key.ToString()))
            .ShouldBeProblem(400, "malformed");
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryServer]
    public async Task Events_with_a_reservation_spend_it_unit_by_unit(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var held = await client.CreateReservationAsync(new() { Tier = "tier1", Quantity = 2 }, cancellationToken: Cancellation);
        var spend = new UsageEventRequest { EventType = "migration", Tier = "tier1", ReservationId = held.Id };

        (await FailAsync(client.RecordUsageAsync(spend with { Tier = "tier2" }, Cancellation)))
            .Problem.ShouldNotBeNull().Errors.ShouldNotBeNull().Keys.ShouldBe(["tier"]);
        await client.RecordUsageAsync(spend, Cancellation);
        (await client.GetReservationAsync(held.Id, Cancellation)).ShouldSatisfyAllConditions(
            read => read.State.ShouldBe(ReservationStates.Held), read => read.Remaining.ShouldBe(1));
        await client.RecordUsageAsync(spend, Cancellation);
        await client.RecordUsageAsync(spend, Cancellation);

        (await client.GetReservationAsync(held.Id, Cancellation)).State.ShouldBe(ReservationStates.Committed);
        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsHeld).ShouldBe((3, 0));
        (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Select(usage => usage.Late)
            .ShouldBe([true, false, false]);
    }

    [Theory, OnEveryServer]
    public async Task Usage_is_recorded_beyond_the_limit(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        await client.RecordUsageBatchAsync(
            [.. Enumerable.Range(0, 7).Select(_ => new UsageEventRequest { EventType = "migration", Tier = "tier2" })], Cancellation);

        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsRemaining, quota.CanMigrate).ShouldBe((7, QuotaLimit.Of(0), false));
    }

    [Theory, OnEveryServer]
    public async Task A_month_adds_up_by_tier_day_and_library(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var yesterday = subject.Clock.GetUtcNow().AddDays(-1);
        await client.RecordUsageBatchAsync(
            [
                new() { EventType = "migration", Library = "pydantic", Tier = "tier1", FilesChanged = 2 },
                new() { EventType = "migration", Library = "numpy", Tier = "tier2", TokensUsed = 10, OccurredAt = yesterday },
                new() { EventType = "migration", Library = "pydantic", Tier = "tier3", TokensUsed = 5, OccurredAt = yesterday },
                new() { EventType = "migration" },
                new() { EventType = "scan", Library = "django", FilesChanged = 3, OccurredAt = yesterday.AddDays(-20) },
            ],
            Cancellation);

        var usage = await client.GetUsageAsync(cancellationToken: Cancellation);

        (usage.Month, usage.Migrations, usage.Tier1Migrations, usage.LlmMigrations, usage.TotalTokens, usage.TotalFilesChanged)
            .ShouldBe(("2026-11", 4, 1, 2, 15, 2));
        usage.ByDay.ShouldBe([new("2026-11-14", 2, 15), new("2026-11-15", 2, 0)]);
        usage.ByLibrary.ShouldBe([new("pydantic", 2), new(null, 1), new("numpy", 1)]);
        usage.Quota.MigrationsUsed.ShouldBe(4);
        var october = await client.GetUsageAsync("2026-10", Cancellation);
        (october.Migrations, october.TotalFilesChanged, october.ByDay.Count).ShouldBe((0, 3, 0));
        (await client.GetUsageHistoryAsync(cancellationToken: Cancellation)).Count.ShouldBe(12);
    }

    [Theory, OnEveryServer]
    public async Task Events_are_listed_in_pages_newest_first(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        for (var i = 1; i <= 5; i++)
        {
            var occurredAt = subject.Clock.GetUtcNow().AddDays(i == 5 ? -20 : 0);
            await client.RecordUsageAsync(new() { EventType = "scan", FilesChanged = i, OccurredAt = occurredAt }, Cancellation);
        }

        var first = await client.ListUsageEventsAsync(limit: 3, cancellationToken: Cancellation);
        var second = await client.ListUsageEventsAsync(first.NextCursor, limit: 3, cancellationToken: Cancellation);

        first.Data.Concat(second.Data).Select(usage => usage.FilesChanged).ShouldBe([4, 3, 2, 1, 5]);
        second.NextCursor.ShouldBeNull();
        (await client.EnumerateUsageEventsAsync("2026-11", Cancellation).CountAsync(Cancellation)).ShouldBe(4);
        (await FailAsync(client.ListUsageEventsAsync("mine", cancellationToken: Cancellation))).Code.ShouldBe(ProblemCodes.Invalid);
    }

    [Theory, OnEveryServer]
    public async Task A_month_is_exported_as_CSV_oldest_first(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        // Both are recorded at the same instant: then the ids decide the order.
        var id = Guid.Parse("00000000-0000-7000-8000-000000000001");
        await client.RecordUsageAsync(
            new()
            {
                Id = id, EventType = "migration", Library = "=1,\"2\"", Tier = "tier1", FilesChanged = 3,
                Metadata = Json("""{"target":"2.0"}"""),
            },
            Cancellation);
        await client.RecordUsageAsync(new() { EventType = "scan" }, Cancellation);
        using var csv = new MemoryStream();

        await client.ExportUsageAsync(csv, "2026-11", Cancellation);

        var lines = Encoding.UTF8.GetString(csv.ToArray()).Split("\r\n");
        lines[0].ShouldBe(
            "id,event_type,library,tier,quantity,files_changed,tokens_used,month,occurred_at,recorded_at,reservation_id,late,metadata,"
            + "key_id");
        lines[1].Replace(" ", "", StringComparison.Ordinal)
            .ShouldStartWith($"{id},migration,\"'=1,\"\"2\"\"\",tier1,1,3,0,2026-11,2026-11-15T12:00:00");
        var keyId = (await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid();
        lines[1].Replace(" ", "", StringComparison.Ordinal).ShouldEndWith($",,false,\"{{\"\"target\"\":\"\"2.0\"\"}}\",{keyId}");
        lines[2].ShouldContain(",scan,,,1,0,0,2026-11,");
        lines.Length.ShouldBe(4);
        (await FailAsync(client.ExportUsageAsync(csv, "November", Cancellation))).Code.ShouldBe(ProblemCodes.Invalid);
    }

    [Theory, OnEveryServer]
    public async Task Migrations_are_added_up_by_key_and_those_of_sessions_are_last(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var made = await account.Session.PostAsync("/auth/api-keys", new { name = "CI" });
        await using var first = subject.Client(account);
        await using var other = subject.ClientWithKey(made["api_key"].GetString());
        var reservation = await first.CreateReservationAsync(new() { Tier = "tier1", Quantity = 2 }, cancellationToken: Cancellation);
        await other.CommitReservationAsync(reservation.Id, new(), Cancellation);
        await first.RecordUsageAsync(new() { EventType = "migration" }, Cancellation);
        await account.Session.PostAsync("/usage", new { event_type = "migration" });

        var keys = (await first.GetUsageAsync(cancellationToken: Cancellation)).ByKey;

        keys.Select(key => (key.Name, key.Migrations)).ShouldBe([("CI", 2), ("Default", 1), (null, 1)]);
        keys.Select(key => key.Prefix).ShouldBe([made["prefix"].GetString(), account.ApiKey[..20], null]);
        reservation.KeyId.ShouldBe(keys[1].KeyId);
        var events = await first.EnumerateUsageEventsAsync(cancellationToken: Cancellation).ToListAsync(Cancellation);
        events.Select(usage => usage.KeyId).ShouldBe(keys.Select(key => key.KeyId), ignoreOrder: true);
    }

    private static JsonElement Json(string json) => JsonDocument.Parse(json).RootElement;

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
