using System.Text;

namespace PyResolve.Testing.Tests.Conformance;

/// <summary>The bodies that the seed's clients read, literally, and the format of errors.</summary>
public sealed class WireTests(SharedServers servers)
{
    private const string FreeQuota = """
        {"plan":"free","migrations_used":0,"migrations_limit":5,"migrations_remaining":5,"llm_allowed":false,"can_migrate":true,
         "migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
        """;

    [Theory, OnEveryServer]
    public async Task The_service_its_health_and_its_plans_are_public(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);

        var root = await subject.Anonymous.GetAsync("/");

        root.ShouldBeJson(200, $$"""{"service":"PyResolve API","version":"{{root["version"].GetString()}}"}""");
        root["version"].GetString().ShouldNotBeNull().ShouldMatch(@"^\d+\.\d+\.\d+$");
        (await subject.Anonymous.GetAsync("/health")).ShouldBeJson(200, """{"status":"healthy"}""");
        (await subject.Anonymous.GetAsync("/health/ready")).ShouldBeJson(200, """{"status":"healthy"}""");
        (await subject.Anonymous.GetAsync("/plans")).ShouldBeJson(200, """
            {"data":[
              {"name":"free","migrations_limit":5,"llm_allowed":false,"price":null,
               "title":"Free","description":null,"features":[],"prices":[],"trial_days":null,"per_seat":false},
              {"name":"pro","migrations_limit":50,"llm_allowed":true,"price":{"amount":1900,"currency":"usd","interval":"month"},
               "title":"Pro","description":null,"features":[],"prices":[{"amount":1900,"currency":"usd","interval":"month"}],
               "trial_days":null,"per_seat":false},
              {"name":"unlimited","migrations_limit":"unlimited","llm_allowed":true,"price":{"amount":4900,"currency":"usd","interval":"month"},
               "title":"Unlimited","description":null,"features":[],"prices":[{"amount":4900,"currency":"usd","interval":"month"}],
               "trial_days":null,"per_seat":false},
              {"name":"enterprise","migrations_limit":"unlimited","llm_allowed":true,"price":null,
               "title":"Enterprise","description":null,"features":[],"prices":[],"trial_days":null,"per_seat":false}]}
            """);
    }

    [Theory, OnEveryServer]
    public async Task Invalid_credentials_have_the_seeds_messages(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        (await subject.Anonymous.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated").Detail
            .ShouldBe($"API key required. Get one at {subject.Address.AbsoluteUri.TrimEnd('/')}");
        (await With("X-API-Key", "sk_live_0123456789")).Detail.ShouldBe("Invalid API key format");
        (await With("X-API-Key", account.SessionToken)).Detail.ShouldBe("Invalid API key format");
        (await With("X-API-Key", $"pyr_live_{new string('0', 48)}")).Detail.ShouldBe("Invalid or revoked API key");
        (await With("Authorization", "Bearer pyr_sess_0123456789")).ShouldBeProblem(401, "unauthenticated");
        (await With("Authorization", "Basic dXNlcjpwYXNzd29yZA==")).Detail.ShouldNotBeNull().ShouldStartWith("API key required.");
        (await With("Authorization", $"Bearer {account.ApiKey}")).Status.ShouldBe(200);
        (await account.Key.SendAsync(HttpMethod.Get, "/me", body: null, [("Authorization", $"Bearer {account.SessionToken}")]))
            .ShouldBeProblem(400, "malformed");

        Task<Answer> With(string name, string value) => new Caller(subject.Http, name, value).GetAsync("/me");
    }

    [Theory, OnEveryServer]
    public async Task A_whole_number_may_be_written_in_any_way_that_JSON_has(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        foreach (var number in (string[])["1", "1.0", "1e0", "10e-1"])
        {
            (await SendAsync("/quota/reservations", $$"""{"tier":"tier1","quantity":{{number}}}""")).Status.ShouldBe(201, number);
            (await SendAsync("/usage", $$"""{"event_type":"scan","tokens_used":{{number}}}""")).Status.ShouldBe(200, number);
            (await SendAsync("/usage/batch", $$"""{"events":[{"event_type":"scan","tokens_used":{{number}}}]}"""))["recorded"].GetInt32()
                .ShouldBe(1, number);
        }

        foreach (var number in (string[])["1.5", "1e40", "\"1\"", "true"])
        {
            (await SendAsync("/quota/reservations", $$"""{"tier":"tier1","quantity":{{number}}}""")).ShouldBlame("quantity");
            (await SendAsync("/usage", $$"""{"event_type":"scan","tokens_used":{{number}}}""")).ShouldBlame("tokens_used");
        }

        async Task<Answer> SendAsync(string path, string json)
        {
            using var body = new StringContent(json, Encoding.UTF8, "application/json");
            return await account.Key.PostAsync(path, body);
        }
    }

    [Theory, OnEveryServer]
    public async Task A_quota_has_numbers_or_the_word_unlimited(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        (await account.Key.GetAsync("/quota")).ShouldBeJson(200, FreeQuota);
        var me = $$"""{"user_id":"{{account.UserId}}","email":"{{account.Email}}","plan":"free","quota":{{FreeQuota}}}""";
        (await account.Key.GetAsync("/me")).ShouldBeJson(200, me);
        (await account.Session.GetAsync("/me")).ShouldBeJson(200, me);
        await account.CommitAsync((await account.ReserveAsync(quantity: 3)).Id());
        await account.ReserveAsync(quantity: 2);
        (await account.Key.GetAsync("/quota")).ShouldBeJson(200, """
            {"plan":"free","migrations_used":3,"migrations_limit":5,"migrations_remaining":0,"llm_allowed":false,"can_migrate":false,
             "migrations_held":2,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
            """);
        await subject.SetPlanAsync(account, "unlimited");
        (await account.Key.GetAsync("/quota")).ShouldBeJson(200, """
            {"plan":"unlimited","migrations_used":3,"migrations_limit":"unlimited","migrations_remaining":"unlimited","llm_allowed":true,
             "can_migrate":true,"migrations_held":2,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
            """);
    }

    [Theory, OnEveryServer]
    public async Task Usage_of_the_seeds_client_is_recorded(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        (await account.Key.PostAsync("/usage", """
            {"event_type":"migration","library":"pydantic","tier":"tier1","files_changed":3,"tokens_used":0,"metadata":{"target":"2.0"}}
            """)).ShouldBeJson(200, """{"status":"recorded"}""");
        (await account.Key.PostAsync("/billing/checkout", new { plan = "gold" })).ShouldBeProblem(400, "malformed").Detail
            .ShouldBe("Invalid plan. Use 'pro' or 'unlimited'");

        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnEveryServer]
    public async Task An_unreadable_request_is_a_problem_with_a_code(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        (await account.Key.GetAsync("/nowhere")).ShouldBeProblem(404, "not_found");
        (await account.Key.GetAsync($"/quota/reservations/{Guid.CreateVersion7()}")).ShouldBeProblem(404, "not_found");
        (await account.Key.GetAsync("/quota/reservations/42")).ShouldBeProblem(404, "not_found");
        (await account.Key.SendAsync(HttpMethod.Put, "/quota")).ShouldBeProblem(405, "method_not_allowed");
        (await account.Key.PostAsync("/usage", "{\"event_type\":")).ShouldBeProblem(400, "malformed");
        (await account.Key.PostAsync("/usage", """{"event_type":"scan","event_type":"scan"}""")).ShouldBeProblem(400, "malformed");
        (await account.Key.PostAsync("/usage", "[]")).ShouldBlame("body");
        (await account.Key.PostAsync("/usage", """{"event_type":7}""")).ShouldBlame("event_type");
        (await account.Key.PostAsync("/usage", new StringContent("event_type=scan"))).ShouldBeProblem(415, "unsupported_media_type");
        (await account.Key.PostAsync("/usage", $$"""{"event_type":"scan","padding":"{{new string('x', 1024 * 1024)}}"}"""))
            .ShouldBeProblem(413, "too_large");
        (await account.Key.PostAsync("/usage", new { event_type = "scan" }, idempotencyKey: "no-uuid")).ShouldBeProblem(400, "malformed");
        (await account.ReserveAsync(idempotencyKey: "with space")).ShouldBeProblem(400, "malformed");
    }

    [Theory, OnEveryServer]
    public async Task An_invalid_field_is_named(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        foreach (var (body, field) in new (object Body, string Field)[]
        {
            (new { }, "event_type"),
            (new { event_type = "Scan" }, "event_type"),
            (new { event_type = "scan", library = new string('x', 129) }, "library"),
            (new { event_type = "scan", library = "a\0b" }, "library"),
            (new { event_type = "scan", tier = "tier9" }, "tier"),
            (new { event_type = "scan", files_changed = -1 }, "files_changed"),
            (new { event_type = "scan", tokens_used = 1L << 31 }, "tokens_used"),
            (new { event_type = "scan", metadata = "text" }, "metadata"),
            (new { event_type = "scan", metadata = new { text = new string('x', 16 * 1024) } }, "metadata"),
            (new { event_type = "scan", id = "no-uuid" }, "id"),
            (new { event_type = "scan", occurred_at = subject.Clock.GetUtcNow().AddMinutes(6) }, "occurred_at"),
            (new { event_type = "scan", occurred_at = subject.Clock.GetUtcNow().AddDays(-36) }, "occurred_at"),
            (new { event_type = "scan", reservation_id = Guid.CreateVersion7() }, "reservation_id"),
            (new { event_type = "migration", reservation_id = Guid.CreateVersion7() }, "reservation_id"),
        })
        {
            (await account.Key.PostAsync("/usage", body)).ShouldBlame(field);
        }

        (await account.ReserveAsync(quantity: 0)).ShouldBlame("quantity");
        (await account.ReserveAsync(quantity: 1001)).ShouldBlame("quantity");
        (await account.ReserveAsync(tier: "tier4")).ShouldBlame("tier");
        (await account.ReserveAsync(ttlSeconds: 604_801)).ShouldBlame("ttl_seconds");
        (await account.ReserveAsync(onceKey: "with space")).ShouldBlame("once_key");
        (await account.ReserveAsync(machine: new string('m', 256))).ShouldBlame("machine");
        (await account.Key.PostAsync("/usage/batch", new { events = Array.Empty<object>() })).ShouldBlame("events");
        (await account.Key.GetAsync("/usage?month=2026-13")).ShouldBlame("month");
        (await account.Key.GetAsync("/usage/history?months=37")).ShouldBlame("months");
        (await account.Key.GetAsync("/usage/events?limit=0")).ShouldBlame("limit");
        (await account.Key.GetAsync("/usage/events?cursor=mine")).ShouldBlame("cursor");
        (await account.Session.GetAsync("/audit?cursor=mine")).ShouldBeProblem(400, "malformed");
    }

    [Theory, OnEveryServer]
    public async Task Reservations_and_reports_are_answered_with_the_account_id(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();

        foreach (var answer in new[] { await account.ReserveAsync(), await account.Key.PostAsync("/usage", new { event_type = "scan" }) })
            answer.Headers.GetValues("X-Account-Id").ShouldBe([account.UserId.ToString("D")]);
        (await account.Key.GetAsync("/quota")).Headers.Contains("X-Account-Id").ShouldBeFalse();
    }
}
