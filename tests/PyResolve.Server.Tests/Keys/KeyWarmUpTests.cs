using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

public sealed class KeyWarmUpTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_starting_server_loads_only_the_live_keys(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (live, revoked, madeBySql) = (await own.SignUpAsync(), await own.SignUpAsync(), await own.SignUpAsync());
        await own.Store.ExecuteSqlAsync($"update api_keys set revoked_at = created_at where user_id = '{revoked.UserId}'");
        await own.Store.ExecuteSqlAsync($"update api_keys set key_digest = null where user_id = '{madeBySql.UserId}'");

        await using var restarted = await TestServer.StartAsync(own.Store, clock: own.Clock);
        var verified = restarted.Services.GetRequiredService<VerifiedKeyCache>();
        await Eventually.IsTrueAsync(() => verified.Count > 0, cancellationToken: TestContext.Current.CancellationToken);

        verified.Count.ShouldBe(1);
        var key = verified.Find(KeyDigest.Of(live.ApiKey)).ShouldNotBeNull();
        (key.Owner.UserId, key.Owner.ApiKeyPrefix, key.Owner.Email).ShouldBe((live.UserId, live.ApiKey[..20], live.Email));
        (await live.On(restarted.Http).Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_starting_server_loads_keys_into_half_of_the_memory_at_most(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        for (var i = 0; i < 5; i++)
            await own.SignUpAsync();
        var newest = await own.SignUpAsync();

        var settings = new Dictionary<string, string?> { ["PyResolve:RememberedKeys"] = "4" };
        await using var restarted = await TestServer.StartAsync(own.Store, settings, own.Clock);
        var verified = restarted.Services.GetRequiredService<VerifiedKeyCache>();
        await Eventually.IsTrueAsync(() => verified.Count > 1, cancellationToken: TestContext.Current.CancellationToken);

        verified.Count.ShouldBe(2);
        verified.Find(KeyDigest.Of(newest.ApiKey)).ShouldNotBeNull();
    }

    [Theory, OnBothEngines]
    public async Task A_key_that_was_loaded_at_the_start_is_refused_when_it_is_revoked(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await using var restarted = await TestServer.StartAsync(own.Store, clock: own.Clock);
        var verified = restarted.Services.GetRequiredService<VerifiedKeyCache>();
        await Eventually.IsTrueAsync(() => verified.Count == 1, cancellationToken: TestContext.Current.CancellationToken);

        await own.Store.ExecuteSqlAsync("update api_keys set revoked_at = created_at");
        await restarted.Services.GetRequiredService<KeyEpochPoller>().PollAsync(TestContext.Current.CancellationToken);

        (await account.On(restarted.Http).Key.GetAsync("/quota")).Status.ShouldBe(401);
    }
}
