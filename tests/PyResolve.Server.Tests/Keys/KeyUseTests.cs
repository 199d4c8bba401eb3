using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

public sealed class KeyUseTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_key_beyond_its_requests_a_minute_gets_429_and_not_401(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var created = await account.Session.PostAsync("/auth/api-keys", new { requests_per_minute = 2 });
        var key = new Caller(account.Http, "X-API-Key", created["api_key"].GetString());

        var first = await key.GetAsync("/quota");
        await key.GetAsync("/quota");
        var third = await key.GetAsync("/quota");

        first.Headers.GetValues("RateLimit-Remaining").ShouldBe(["1"]);
        (third.Status, third.Code).ShouldBe((429, "rate_limited"));
        third.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 60);
        own.Clock.Advance(TimeSpan.FromSeconds(61));
        (await key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_refused_request_has_the_rate_limit_headers_too(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var created = await account.Session.PostAsync("/auth/api-keys", new { requests_per_minute = 5 });

        var refused = await new Caller(account.Http, "X-API-Key", created["api_key"].GetString()).PostAsync("/quota/reservations", "{");

        refused.Status.ShouldBe(400);
        refused.Headers.GetValues("RateLimit-Remaining").ShouldBe(["4"]);
    }

    [Theory, OnBothEngines]
    public async Task A_key_without_a_limit_has_no_rate_limit_headers(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        (await account.Key.GetAsync("/quota")).Headers.Contains("RateLimit-Limit").ShouldBeFalse();
    }

    [Theory, OnBothEngines]
    public async Task The_last_use_of_a_key_is_written_outside_of_the_request(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-11-23T12:00:00Z");
        var account = await own.SignUpAsync();
        await account.Key.GetAsync("/quota");
        (await LastUsedAsync(account)).ShouldBeNull();

        await own.Server.Services.GetRequiredService<KeyUseLog>().FlushAsync(TestContext.Current.CancellationToken);

        (await LastUsedAsync(account)).ShouldBe("2026-11-23T12:00:00Z");
    }

    [Theory, OnBothEngines]
    public async Task Writing_the_last_use_of_a_key_does_not_drop_it_from_memory(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.Key.GetAsync("/quota");
        var before = await own.Store.ReadNumberAsync("select epoch from key_epoch");

        await own.Server.Services.GetRequiredService<KeyUseLog>().FlushAsync(TestContext.Current.CancellationToken);

        (await own.Store.ReadNumberAsync("select epoch from key_epoch")).ShouldBe(before);
    }

    private static async Task<string?> LastUsedAsync(TestAccount account) =>
        (await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("last_used_at").GetString();
}
