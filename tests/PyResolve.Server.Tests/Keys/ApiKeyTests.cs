using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

public sealed class ApiKeyTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_new_key_has_the_name_scopes_and_expiry_asked_for(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var made = await account.Session.PostAsync("/auth/api-keys", """
            {"name":"CI","scopes":["quota","usage:write","quota"],"expires_at":"2026-12-24T18:00:00+01:00","requests_per_minute":60}
            """);

        var key = made["api_key"].GetString()!;
        key.ShouldMatch("^pyr_live_[0-9a-f]{48}$");
        made.ShouldBeJson(201, $$"""
            {"id":"{{made.Id()}}","name":"CI","prefix":"{{key[..20]}}","scopes":["quota","usage:write"],"expires_at":"2026-12-24T17:00:00Z","api_key":"{{key}}"}
            """);
        (await new Caller(account.Http, "X-API-Key", key).GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Without_a_body_a_key_has_every_scope_but_keys_and_no_expiry(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var made = await account.Session.PostAsync("/auth/api-keys");

        made.ShouldBeJson(201, $$"""
            {"id":"{{made.Id()}}","name":"Default","prefix":"{{made["prefix"]}}","scopes":["usage:write","usage:read","quota","billing","migrate"],
             "expires_at":null,"api_key":"{{made["api_key"]}}"}
            """);
    }

    [Theory, OnBothEngines]
    public async Task The_list_shows_everything_about_a_key_but_the_key(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var made = await account.Session.PostAsync("/auth/api-keys", new { name = "CI" });
        await account.Session.DeleteAsync($"/auth/api-keys/{made.Id()}");

        var list = await account.Session.GetAsync("/auth/api-keys");

        var keys = list["data"].EnumerateArray().ToList();
        keys.Select(key => key.GetProperty("name").GetString()).ShouldBe(["CI", "Default"], ignoreOrder: true);
        var revoked = keys.Single(key => key.GetProperty("id").GetGuid() == made.Id());
        revoked.EnumerateObject().Select(member => member.Name)
            .ShouldBe(["id", "name", "prefix", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"], ignoreOrder: true);
        revoked.GetProperty("revoked_at").GetDateTimeOffset().ShouldBe((await servers.OnAsync(engine)).Clock.GetUtcNow());
        foreach (var secret in (string[])[made["api_key"].GetString()!, account.ApiKey])
            list.Text.ShouldNotContain(secret[20..]);
    }

    [Theory, OnBothEngines]
    public async Task A_revoked_key_is_refused_and_revoking_again_keeps_the_first_time(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var made = await account.Session.PostAsync("/auth/api-keys");
        var caller = own.Server.WithKey(made["api_key"].GetString()!);
        (await caller.GetAsync("/me")).Status.ShouldBe(200);

        (await account.Session.DeleteAsync($"/auth/api-keys/{made.Id()}")).Status.ShouldBe(204);
        var first = await own.Store.ReadSqlAsync("select max(revoked_at) from api_keys");
        own.Clock.Advance(TimeSpan.FromDays(1));
        (await account.Session.DeleteAsync($"/auth/api-keys/{made.Id()}")).Status.ShouldBe(204);

        (await caller.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated").Detail.ShouldBe("Invalid or revoked API key");
        (await own.Store.ReadSqlAsync("select max(revoked_at) from api_keys")).ShouldBe(first);
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_key_works_until_the_instant_it_expires_at(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var made = await account.Session.PostAsync("/auth/api-keys", new { expires_at = own.Clock.GetUtcNow().AddHours(1) });
        var caller = own.Server.WithKey(made["api_key"].GetString()!);

        own.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMilliseconds(1));
        (await caller.GetAsync("/me")).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromMilliseconds(1));

        (await caller.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated").Detail.ShouldBe("Invalid or revoked API key");
    }

    [Theory, OnBothEngines]
    public async Task Each_scoped_route_requires_only_its_own_scope(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var nothing = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        (HttpMethod Method, string Path, string Scope)[] routes =
        [
            (HttpMethod.Post, "/usage", "usage:write"),
            (HttpMethod.Post, "/quota/reservations", "quota"),
            (HttpMethod.Get, $"/quota/reservations/{nothing}", "quota"),
            (HttpMethod.Post, $"/quota/reservations/{nothing}/commit", "quota"),
            (HttpMethod.Delete, $"/quota/reservations/{nothing}", "quota"),
            (HttpMethod.Get, "/auth/api-keys", "keys"),
            (HttpMethod.Post, "/auth/api-keys", "keys"),
            (HttpMethod.Delete, $"/auth/api-keys/{nothing}", "keys"),
        ];

        foreach (var (method, path, scope) in routes)
        {
            var with = await KeyWithAsync(account, [scope]);
            var without = await KeyWithAsync(account, [.. Client.Wire.Scopes.All.Where(other => other != scope)]);

            (await without.SendAsync(method, path)).ShouldBeProblem(403, "scope_missing", path).Detail!.ShouldContain(scope);
            (await with.SendAsync(method, path)).Status.ShouldNotBe(403, path);
            (await with.GetAsync("/me")).Status.ShouldBe(200);
            (await with.GetAsync("/quota")).Status.ShouldBe(200);
        }
    }

    [Theory, OnBothEngines]
    public async Task A_key_makes_keys_only_within_its_own_scopes(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var maker = await KeyWithAsync(account, ["keys", "quota"]);

        (await maker.PostAsync("/auth/api-keys", new { scopes = AsScopes("quota") })).Status.ShouldBe(201);
        (await maker.PostAsync("/auth/api-keys", new { scopes = AsScopes("quota", "billing") }))
            .ShouldBeProblem(403, "scope_missing").Detail!.ShouldContain("billing");
        (await maker.PostAsync("/auth/api-keys"))["scopes"].EnumerateArray().Select(scope => scope.GetString()).ShouldBe(["quota"]);
    }

    [Theory, OnBothEngines]
    public async Task A_key_makes_keys_only_within_its_own_expiry(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var end = (await servers.OnAsync(engine)).Clock.GetUtcNow().AddDays(1);
        var maker = await KeyWithAsync(account, ["keys", "quota"], end);

        (await maker.PostAsync("/auth/api-keys"))["expires_at"].GetDateTimeOffset().ShouldBe(end);
        (await maker.PostAsync("/auth/api-keys", new { expires_at = end })).Status.ShouldBe(201);
        (await maker.PostAsync("/auth/api-keys", new { expires_at = end.AddSeconds(1) })).ShouldBeProblem(403, "scope_missing");
    }

    [Theory, OnBothEngines]
    public async Task A_key_makes_and_rotates_keys_only_within_its_own_limit(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var maker = await KeyWithAsync(account, ["keys", "quota"], requestsPerMinute: 50);
        var (boundless, faster) = (
            await account.Session.PostAsync("/auth/api-keys", new { scopes = AsScopes("quota") }),
            await account.Session.PostAsync("/auth/api-keys", new { scopes = AsScopes("quota"), requests_per_minute = 51 }));

        var inheriting = await maker.PostAsync("/auth/api-keys");
        var refused = await maker.PostAsync("/auth/api-keys", new { requests_per_minute = 51 });

        (await LimitAsync(account, inheriting)).ShouldBe("50");
        (await LimitAsync(account, await maker.PostAsync("/auth/api-keys", new { requests_per_minute = 50 }))).ShouldBe("50");
        refused.ShouldBeProblem(403, "scope_missing").Detail!.ShouldContain("at most 50");
        foreach (var beyond in new[] { boundless, faster })
            (await maker.PostAsync($"/auth/api-keys/{beyond.Id()}/rotate")).ShouldBeProblem(403, "scope_missing");
        (await LimitAsync(account, await maker.PostAsync($"/auth/api-keys/{inheriting.Id()}/rotate"))).ShouldBe("50");
    }

    private static string[] AsScopes(params string[] scopes) => scopes;

    private static async Task<string> LimitAsync(TestAccount account, Answer made) =>
        (await new Caller(account.Http, "X-API-Key", made["api_key"].GetString()).GetAsync("/me"))
            .Headers.GetValues("RateLimit-Limit").Single();

    private static async Task<Caller> KeyWithAsync(
        TestAccount account, string[] scopes, DateTimeOffset? expiresAt = null, int? requestsPerMinute = null)
    {
        var made = await account.Session.PostAsync(
            "/auth/api-keys", new { scopes, expires_at = expiresAt, requests_per_minute = requestsPerMinute });
        return new Caller(account.Http, "X-API-Key", made["api_key"].GetString());
    }
}
