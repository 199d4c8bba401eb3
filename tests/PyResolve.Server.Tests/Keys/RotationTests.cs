namespace PyResolve.Server.Tests.Keys;

public sealed class RotationTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Both_keys_work_in_the_grace_period_and_only_the_new_one_after_it(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        var rotated = await RotateAsync(account, graceSeconds: 60);

        rotated.Status.ShouldBe(201);
        var successor = account with { ApiKey = rotated["api_key"].GetString()! };
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
        (await Key(successor).GetAsync("/quota")).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromSeconds(61));
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(401);
        (await Key(successor).GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Without_a_grace_period_the_old_key_is_refused_immediately(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);

        await RotateAsync(account, graceSeconds: 0);

        var refused = await account.Key.GetAsync("/quota");
        (refused.Status, refused.Detail).ShouldBe((401, "Invalid or revoked API key"));
    }

    [Theory, OnBothEngines]
    public async Task The_new_key_has_the_properties_of_the_old_one(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var created = await account.Session.PostAsync(
            "/auth/api-keys",
            new { name = "CI", scopes = new[] { "quota" }, requests_per_minute = 7, expires_at = "2126-01-01T00:00:00Z" });

        var rotated = await account.Session.PostAsync($"/auth/api-keys/{created.Id()}/rotate", new { grace_seconds = 5 });

        rotated["name"].GetString().ShouldBe("CI");
        rotated["scopes"].EnumerateArray().Select(scope => scope.GetString()).ShouldBe(["quota"]);
        rotated["expires_at"].GetString().ShouldBe("2126-01-01T00:00:00Z");
        var answer = await new Caller(account.Http, "X-API-Key", rotated["api_key"].GetString()).GetAsync("/quota");
        answer.Headers.GetValues("RateLimit-Limit").ShouldBe(["7"]);
    }

    [Theory, OnBothEngines]
    public async Task A_key_cannot_be_rotated_twice(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        await RotateAsync(account, graceSeconds: 60);

        (await RotateAsync(account, graceSeconds: 60, index: 1)).Status.ShouldBe(409);
    }

    [Theory, OnBothEngines]
    public async Task A_key_cannot_rotate_one_that_may_do_more(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var narrow = await account.Session.PostAsync("/auth/api-keys", new { scopes = new[] { "keys", "quota" } });
        var keys = (await account.Session.GetAsync("/auth/api-keys"))["data"];
        var wide = keys.EnumerateArray().Single(
            key => key.GetProperty("name").GetString() == "Default" && key.GetProperty("scopes").GetArrayLength() == 5);

        var answer = await new Caller(account.Http, "X-API-Key", narrow["api_key"].GetString())
            .PostAsync($"/auth/api-keys/{wide.GetProperty("id").GetGuid()}/rotate");

        (answer.Status, answer.Code).ShouldBe((403, "scope_missing"));
    }

    private static Caller Key(TestAccount account) => new(account.Http, "X-API-Key", account.ApiKey);

    private static async Task<Answer> RotateAsync(TestAccount account, int graceSeconds, int index = 0)
    {
        var keys = (await account.Session.GetAsync("/auth/api-keys"))["data"];
        return await account.Session.PostAsync(
            $"/auth/api-keys/{keys[index].GetProperty("id").GetGuid()}/rotate", new { grace_seconds = graceSeconds });
    }
}
