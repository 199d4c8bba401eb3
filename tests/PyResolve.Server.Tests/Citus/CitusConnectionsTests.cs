using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Citus;

public sealed class CitusConnectionsTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>As after a start while one worker hangs, where the first requests are about its accounts.</summary>
    [CitusFact]
    public async Task The_first_requests_about_one_worker_leave_connections_to_the_other()
    {
        await using var store = await TestStore.OnCitusAsync(await servers.Postgres.CitusAsync(), Cancellation);
        await using var found = await new PostgresEngine(DatabaseUrl.ToConnectionString(store.Settings["DATABASE_URL"]!))
            .FindVariantAsync(Cancellation);
        var first = Enumerable.Range(0, 20).Select(_ => found.OpenReaderAsync(node: 1, Cancellation).AsTask()).ToList();
        await Eventually.IsTrueAsync(() => first.Count(static one => one.IsCompletedSuccessfully) == 10, cancellationToken: Cancellation);

        for (var i = 0; i < 10; i++)
            await found.OpenReaderAsync(node: 2, Cancellation);

        first.Count(static one => one.IsCompletedSuccessfully).ShouldBe(10);
        await Task.WhenAll(first).ContinueWith(static _ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
    }
}
