using System.Text.Json;

namespace PyResolve.Server.Tests.Http;

/// <summary>The bodies that the seed's clients read, literally.</summary>
public sealed class WireTableTests(SharedServers servers)
{
    private const string FreeQuota = """
        {"plan":"free","migrations_used":0,"migrations_limit":5,"migrations_remaining":5,"llm_allowed":false,"can_migrate":true,
         "migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
        """;

    [Fact]
    public async Task The_root_names_the_service_and_its_version()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await server.Anonymous.GetAsync("/");

        var version = answer["version"].GetString();
        version.ShouldNotBeNull().ShouldMatch(@"^\d+\.\d+\.\d+$");
        answer.ShouldBeJson(200, $$"""{"service":"PyResolve API","version":"{{version}}"}""");
    }

    [Fact]
    public async Task Health_is_healthy()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.Anonymous.GetAsync("/health")).ShouldBeJson(200, """{"status":"healthy"}""");
    }

    [Theory, OnBothEngines]
    public async Task Readiness_is_healthy_while_the_store_answers(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);

        (await server.Anonymous.GetAsync("/health/ready")).ShouldBeJson(200, """{"status":"healthy"}""");
    }

    [Fact]
    public async Task Without_a_key_the_answer_says_where_to_get_one()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await server.Anonymous.GetAsync("/me");

        answer.ShouldBeProblem(401, "unauthenticated");
        answer.Detail.ShouldBe($"API key required. Get one at {server.Address.OriginalString.TrimEnd('/')}");
    }

    [Fact]
    public async Task With_a_public_URL_the_answer_without_a_key_refers_to_it()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://pyresolve.dev/" });

        (await own.Server.Anonymous.GetAsync("/quota")).Detail.ShouldBe("API key required. Get one at https://pyresolve.dev");
    }

    [Fact]
    public async Task Another_Authorization_scheme_is_ignored()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        const string Basic = "Basic dXNlcjpwYXNzd29yZA==";

        (await new Caller(server.Http, "Authorization", Basic).GetAsync("/me")).Detail.ShouldStartWith("API key required.");
        (await account.Key.SendAsync(HttpMethod.Get, "/me", body: null, [("Authorization", Basic)])).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("X-API-Key", "sk_live_0123456789")]
    [InlineData("X-API-Key", "pyr_sess_0123456789")]
    [InlineData("Authorization", "Bearer sk_live_0123456789")]
    public async Task A_malformed_key_is_refused_with_its_own_message(string header, string value)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await new Caller(server.Http, header, value).GetAsync("/me");

        answer.ShouldBeProblem(401, "unauthenticated");
        answer.Detail.ShouldBe("Invalid API key format");
    }

    [Theory, OnBothEngines]
    public async Task Unknown_revoked_and_expired_keys_get_the_same_answer(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var revoked = await account.Session.PostAsync("/auth/api-keys");
        await account.Session.DeleteAsync($"/auth/api-keys/{revoked.Id()}");
        var expired = await account.Session.PostAsync("/auth/api-keys", new { expires_at = own.Clock.GetUtcNow().AddMinutes(1) });
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        string[] keys =
        [
            $"pyr_live_{new string('0', 48)}",
            "pyr_live_short",
            $"{account.ApiKey[..^1]}{(account.ApiKey[^1] == '0' ? '1' : '0')}",
            revoked["api_key"].GetString()!,
            expired["api_key"].GetString()!,
        ];

        foreach (var key in keys)
        {
            var answer = await own.Server.WithKey(key).GetAsync("/me");
            answer.ShouldBeProblem(401, "unauthenticated");
            answer.Detail.ShouldBe("Invalid or revoked API key", key);
        }
    }

    [Theory, OnBothEngines]
    public async Task A_quota_with_a_limit_has_numbers(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        (await account.Key.GetAsync("/quota")).ShouldBeJson(200, FreeQuota);
    }

    [Theory, OnBothEngines]
    public async Task A_used_up_quota_cannot_migrate(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await account.CommitAsync((await account.ReserveAsync(quantity: 3)).Id());
        await account.ReserveAsync(quantity: 2);

        (await account.Key.GetAsync("/quota")).ShouldBeJson(200, """
            {"plan":"free","migrations_used":3,"migrations_limit":5,"migrations_remaining":0,"llm_allowed":false,"can_migrate":false,
             "migrations_held":2,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
            """);
    }

    [Theory, OnBothEngines]
    public async Task A_quota_without_a_limit_says_unlimited(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        foreach (var plan in (string[])["unlimited", "enterprise"])
        {
            await own.Store.ExecuteSqlAsync($"update profiles set plan = '{plan}'");
            (await account.Key.GetAsync("/quota")).ShouldBeJson(200, $$"""
                {"plan":"{{plan}}","migrations_used":0,"migrations_limit":"unlimited","migrations_remaining":"unlimited","llm_allowed":true,
                 "can_migrate":true,"migrations_held":0,"month":"2026-11","resets_at":"2026-12-01T00:00:00Z"}
                """);
        }
    }

    [Theory, OnBothEngines]
    public async Task Me_is_the_account_with_its_quota(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var expected = $$"""{"user_id":"{{account.UserId}}","email":"{{account.Email}}","plan":"free","quota":{{FreeQuota}}}""";

        (await account.Key.GetAsync("/me")).ShouldBeJson(200, expected);
        (await account.Session.GetAsync("/me")).ShouldBeJson(200, expected);
        (await new Caller(account.Http, "Authorization", $"Bearer {account.ApiKey}").GetAsync("/me")).ShouldBeJson(200, expected);
    }

    [Theory, OnBothEngines]
    public async Task Usage_is_recorded(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        // What the seed's log_usage sends.
        var answer = await account.Key.PostAsync("/usage", """
            {"event_type":"migration","library":"pydantic","tier":"tier1","files_changed":3,"tokens_used":0,"metadata":{"target":"2.0"}}
            """);

        answer.ShouldBeJson(200, """{"status":"recorded"}""");
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Two_credentials_at_once_are_malformed(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        foreach (var bearer in (string[])[account.SessionToken, account.ApiKey])
        {
            var answer = await account.Key.SendAsync(HttpMethod.Get, "/me", body: null, [("Authorization", $"Bearer {bearer}")]);
            answer.ShouldBeProblem(400, "malformed");
        }
    }

    [Fact]
    public async Task Plans_are_the_seeds_four_with_their_prices()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.Anonymous.GetAsync("/plans")).ShouldBeJson(200, """
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

    [Theory, OnBothEngines]
    public async Task Members_that_the_server_does_not_know_are_ignored(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var email = $"future-{engine}@example.com";

        var signedUp = await server.Anonymous.PostAsync(
            "/auth/signup", new { email, password = TestAccount.Password, referrer = new { name = "x" } });
        var caller = server.WithKey(signedUp["api_key"].GetString()!);

        signedUp.Status.ShouldBe(201);
        (await server.Anonymous.PostAsync("/auth/login", new { email, password = TestAccount.Password, otp = 123456 })).Status
            .ShouldBe(200);
        (await caller.PostAsync("/usage", new { event_type = "scan", colour = "blue", nested = new { deep = true } })).Status.ShouldBe(200);
        var held = await caller.PostAsync("/quota/reservations", new { tier = "tier1", priority = (string?)null });
        held.Status.ShouldBe(201);
        (await caller.PostAsync($"/quota/reservations/{held.Id()}/commit", new { files_changed = 1, gpu = 2.5 })).Status.ShouldBe(200);
    }
}
