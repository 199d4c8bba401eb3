using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

/// <summary>Every way to create a key respects the limit of live keys.</summary>
public sealed class KeyCountTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> ThreeKeys = new() { ["PyResolve:LiveKeysPerAccount"] = "3" };

    [Theory, OnBothEngines]
    public async Task Concurrent_requests_create_no_more_live_keys_than_the_limit(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: ThreeKeys);
        var account = await own.SignUpAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => account.Session.PostAsync("/auth/api-keys")));

        answers.Count(answer => answer.Status == 201).ShouldBe(2);
        answers.Count(answer => answer.Status == 409).ShouldBe(10);
        answers.First(answer => answer.Status == 409).ShouldBeProblem(409, "conflict").Detail!.ShouldContain("3 live API keys");
    }

    [Theory, OnBothEngines]
    public async Task A_revoked_or_expired_key_makes_room_for_another(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: ThreeKeys);
        var account = await own.SignUpAsync();
        var made = await account.Session.PostAsync("/auth/api-keys");
        await account.Session.PostAsync("/auth/api-keys", new { expires_at = own.Clock.GetUtcNow().AddHours(1) });
        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(409);

        await account.Session.DeleteAsync($"/auth/api-keys/{made.Id()}");
        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);
        own.Clock.Advance(TimeSpan.FromHours(1));
        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);

        (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(409);
    }

    [Theory, OnBothEngines]
    public async Task An_account_at_its_limit_may_rotate_a_key_only_without_a_grace_period(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: ThreeKeys);
        var account = await own.SignUpAsync();
        await account.Session.PostAsync("/auth/api-keys");
        var last = await account.Session.PostAsync("/auth/api-keys");

        (await account.Session.PostAsync($"/auth/api-keys/{last.Id()}/rotate", new { grace_seconds = 60 }))
            .ShouldBeProblem(409, "conflict");

        (await account.Session.PostAsync($"/auth/api-keys/{last.Id()}/rotate")).Status.ShouldBe(201);
    }

    [Theory, OnBothEngines]
    public async Task A_device_login_of_an_account_at_its_limit_is_denied_with_the_reason(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: ThreeKeys);
        var account = await own.SignUpAsync();
        await account.Session.PostAsync("/auth/api-keys");
        await account.Session.PostAsync("/auth/api-keys");
        var device = await Device.BeginAsync(own.Server.Http);
        await (await Person.SignedInAsync(own.Server, account)).ApproveAsync(device.UserCode);

        var denied = await device.PollAsync();

        denied.ShouldBeProblem(400, "access_denied").Detail!.ShouldContain("3 live API keys");
    }
}
