using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Hosting;
using PyResolve.Server.Keys;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

/// <summary>Creating keys costs hashes: refusals compute none, and one account's hashes keep no other account waiting.</summary>
public sealed class KeyCostTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Requests_for_keys_that_are_refused_compute_no_hash(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:LiveKeysPerAccount"] = "3" });
        var account = await own.SignUpAsync();
        var (live, revoked) = (await account.Session.PostAsync("/auth/api-keys"), await account.Session.PostAsync("/auth/api-keys"));
        await account.Session.DeleteAsync($"/auth/api-keys/{revoked.Id()}");
        var narrow = new Caller(
            own.Server.Http,
            "X-API-Key",
            (await account.Session.PostAsync("/auth/api-keys", new { scopes = (string[])["keys"] }))["api_key"].GetString());
        var device = await Device.BeginAsync(own.Server.Http);
        await (await Person.SignedInAsync(own.Server, account)).ApproveAsync(device.UserCode);
        var secrets = own.Server.Services.GetRequiredService<ApiKeySecrets>();
        var before = secrets.Computations;

        for (var i = 0; i < 5; i++)
        {
            (await account.Session.PostAsync($"/auth/api-keys/{Guid.CreateVersion7(own.Clock.GetUtcNow())}/rotate")).Status.ShouldBe(404);
            (await account.Session.PostAsync($"/auth/api-keys/{revoked.Id()}/rotate")).Status.ShouldBe(409);
            (await account.Session.PostAsync($"/auth/api-keys/{live.Id()}/rotate", new { grace_seconds = 60 })).Status.ShouldBe(409);
            (await narrow.PostAsync($"/auth/api-keys/{live.Id()}/rotate")).Status.ShouldBe(403);
            (await account.Session.PostAsync("/auth/api-keys")).Status.ShouldBe(409);
            (await device.PollForErrorAsync()).ShouldBe("access_denied");
        }

        secrets.Computations.ShouldBe(before);
    }

    [Theory, OnBothEngines]
    public async Task An_account_that_creates_and_revokes_keys_without_end_is_stopped(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:KeysPerHour"] = "4" });
        var account = await own.SignUpAsync();
        var first = await account.Session.PostAsync("/auth/api-keys");
        own.Clock.Advance(TimeSpan.FromMinutes(30));
        (await account.Session.PostAsync($"/auth/api-keys/{first.Id()}/rotate")).Status.ShouldBe(201);
        var last = await account.Session.PostAsync("/auth/api-keys");
        (await account.Session.DeleteAsync($"/auth/api-keys/{last.Id()}")).Status.ShouldBe(204);

        var refusals = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => account.Session.PostAsync("/auth/api-keys")));
        var rotation = await account.Session.PostAsync($"/auth/api-keys/{Guid.CreateVersion7(own.Clock.GetUtcNow())}/rotate");

        foreach (var refused in refusals)
        {
            refused.ShouldBeProblem(429, "rate_limited").Detail!.ShouldContain("4 API keys within an hour");
            refused.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromMinutes(30));
        }

        rotation.Status.ShouldBe(404);
        (await (await own.SignUpAsync()).Session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);
        own.Clock.Advance(TimeSpan.FromMinutes(30));
        var again = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => account.Session.PostAsync("/auth/api-keys")));
        again.Count(answer => answer.Status == 201).ShouldBe(2);
        again.Count(answer => answer.Status == 429).ShouldBe(8);
    }

    [Fact]
    public async Task An_account_with_many_requests_delays_another_one_by_a_single_turn()
    {
        var turns = new FairTurns(concurrency: 1, maxWaiting: 1_000);
        var (busy, quiet) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        var served = new List<Guid>();
        var running = await turns.EnterAsync(busy, TestContext.Current.CancellationToken);
        var waiting = Enumerable.Repeat(busy, 20).Append(quiet).Select(ServeAsync).ToList();

        running!.Dispose();
        await Task.WhenAll(waiting);

        served.IndexOf(quiet).ShouldBe(1);
        served.Count.ShouldBe(21);
        turns.Waiting.ShouldBe(0);

        async Task ServeAsync(Guid account)
        {
            using var turn = await turns.EnterAsync(account, CancellationToken.None);
            turn.ShouldNotBeNull();
            // One turn at a time: no lock is needed.
            served.Add(account);
        }
    }

    [Fact]
    public async Task One_account_cannot_fill_the_queue_for_all()
    {
        var turns = new FairTurns(concurrency: 1, maxWaiting: 8);
        var busy = Guid.CreateVersion7();
        using var running = await turns.EnterAsync(busy, CancellationToken.None);
        _ = turns.EnterAsync(busy, CancellationToken.None);
        _ = turns.EnterAsync(busy, CancellationToken.None);

        var beyondItsShare = await turns.EnterAsync(busy, CancellationToken.None);
        var other = turns.EnterAsync(Guid.CreateVersion7(), CancellationToken.None);

        beyondItsShare.ShouldBeNull();
        other.IsCompleted.ShouldBeFalse();
        turns.Waiting.ShouldBe(3);
    }

    [Fact]
    public async Task A_request_that_was_given_up_while_it_waited_keeps_no_turn()
    {
        var turns = new FairTurns(concurrency: 1, maxWaiting: 8);
        using var gaveUp = new CancellationTokenSource();
        var running = await turns.EnterAsync(Guid.CreateVersion7(), CancellationToken.None);
        var abandoned = turns.EnterAsync(Guid.CreateVersion7(), gaveUp.Token);
        var next = turns.EnterAsync(Guid.CreateVersion7(), CancellationToken.None);

        await gaveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(abandoned);
        running!.Dispose();
        running.Dispose();
        (await next)!.Dispose();

        using var free = await turns.EnterAsync(Guid.CreateVersion7(), CancellationToken.None);
        free.ShouldNotBeNull();
        turns.EnterAsync(Guid.CreateVersion7(), CancellationToken.None).IsCompleted.ShouldBeFalse("a turn that is ended twice counts once");
    }
}
