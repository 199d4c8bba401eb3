using System.Net;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Keys;

/// <summary>A flood of wrong keys does not cause load.</summary>
[Trait("Category", "Proof")]
public sealed class KeyFloodTests(SharedServers servers)
{
    [Theory]
    [InlineData(StorageEngine.Sqlite, true)]
    [InlineData(StorageEngine.Sqlite, false)]
    [InlineData(StorageEngine.Postgres, true)]
    [InlineData(StorageEngine.Postgres, false)]
    public async Task Wrong_secrets_on_a_valid_prefix_cause_at_most_ten_bcrypt_computations(StorageEngine engine, bool hasDigest)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        if (!hasDigest)
            await own.Store.ExecuteSqlAsync("update api_keys set key_digest = null");
        var prefix = account.ApiKey[..20];
        var requests = Scale.Pick(2_000, 10_000);
        var verifier = own.Server.Services.GetRequiredService<ApiKeyVerifier>();

        await Parallel.ForAsync(0, requests, TestContext.Current.CancellationToken, async (i, cancellationToken) =>
        {
            var outcome = await verifier.CheckAsync($"{prefix}{i:x37}", Client(i), cancellationToken);
            outcome.Key.ShouldBeNull();
        });

        var computations = own.Server.Services.GetRequiredService<LegacyKeys>().Computations;
        var kind = hasDigest ? "with" : "without";
        Proofs.Report(
            "Wrong keys",
            $"{engine}, prefix of a key {kind} a digest: {requests} wrong secrets, {computations} bcrypt computations");
        computations.ShouldBeLessThanOrEqualTo(10);
        if (hasDigest)
            (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_flood_on_the_prefix_of_a_key_made_by_SQL_does_not_block_its_first_use(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update api_keys set key_digest = null");
        var verifier = own.Server.Services.GetRequiredService<ApiKeyVerifier>();
        for (var i = 0; i < 500; i++)
            (await verifier.CheckAsync($"{account.ApiKey[..20]}{i:x37}", Client(1), TestContext.Current.CancellationToken)).Key
                .ShouldBeNull();
        (await verifier.CheckAsync(account.ApiKey, Client(1), TestContext.Current.CancellationToken)).TooManyTries.ShouldBeTrue();

        var outcome = await verifier.CheckAsync(account.ApiKey, Client(2), TestContext.Current.CancellationToken);

        outcome.Key.ShouldNotBeNull().Owner.UserId.ShouldBe(account.UserId);
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Reports_of_wrong_keys_cost_little_and_do_not_block_the_right_one(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update api_keys set key_digest = null");

        for (var i = 0; i < 50; i++)
            (await own.Server.Anonymous.PostAsync("/auth/api-keys/report-leak", new { api_key = $"{account.ApiKey[..20]}{i:x37}" })).Status
                .ShouldBe(202);

        own.Server.Services.GetRequiredService<LegacyKeys>().Computations.ShouldBeInRange(1, 2);
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_first_uses_of_a_key_made_by_SQL_compute_its_hash_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Store.ExecuteSqlAsync("update api_keys set key_digest = null");

        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => account.Key.GetAsync("/quota")));

        answers.ShouldAllBe(answer => answer.Status == 200);
        own.Server.Services.GetRequiredService<LegacyKeys>().Computations.ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from api_keys where key_digest is null")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task The_number_of_keys_in_memory_is_bounded(StorageEngine engine)
    {
        var settings = new Dictionary<string, string?> { ["PyResolve:RememberedKeys"] = "10" };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);

        for (var i = 0; i < 30; i++)
            (await (await own.SignUpAsync()).Key.GetAsync("/quota")).Status.ShouldBe(200);

        own.Server.Services.GetRequiredService<VerifiedKeyCache>().Count.ShouldBeInRange(1, 10);
    }

    private static IPAddress Client(int number) => new([203, 0, (byte)(number >> 8), (byte)number]);
}
