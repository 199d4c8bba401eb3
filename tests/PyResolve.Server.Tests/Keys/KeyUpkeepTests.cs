using Npgsql;

namespace PyResolve.Server.Tests.Keys;

/// <summary>What is done beside the poll for changed keys may fail; the keys are confirmed all the same.</summary>
public sealed class KeyUpkeepTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task While_the_store_cannot_be_compared_with_the_one_before_keys_are_confirmed()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);
        await using (await TestServer.StartAsync(store))
        {
            // The schema is there.
        }

        await using var connection = new NpgsqlConnection($"{store.ConnectionString};Pooling=false");
        await connection.OpenAsync(Cancellation);
        await using var transaction = await connection.BeginTransactionAsync(Cancellation);
        await using var command = new NpgsqlCommand("lock table store_history in access exclusive mode", connection, transaction);
        await command.ExecuteNonQueryAsync(Cancellation);
        var url = store.Settings["DATABASE_URL"]!;
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?> { ["DATABASE_URL"] = $"{url}{(url.Contains('?') ? '&' : '?')}statement_timeout=500" },
            Cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);

        await Eventually.IsTrueAsync(() => server.Log.Contains("it is tried again"), cancellationToken: Cancellation);
        for (var i = 0; i < 40; i++)
        {
            (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
            await Task.Delay(TimeSpan.FromMilliseconds(50), Cancellation);
        }

        server.Log.ShouldNotContain("cached API keys are ignored");
        server.Log.Split("it is tried again").Length.ShouldBe(2, "It is said once.");
    }
}
