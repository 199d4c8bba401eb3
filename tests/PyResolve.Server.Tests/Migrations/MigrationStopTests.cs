using System.Diagnostics;
using System.Globalization;
using PyResolve.Server.Migrations;

namespace PyResolve.Server.Tests.Migrations;

/// <summary>A server that stops ends its migrations, and gives back what they had reserved.</summary>
public sealed class MigrationStopTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_stop_while_migrations_begin_and_run_logs_no_error_and_leaves_nothing_reserved(StorageEngine engine)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var seconds = string.Create(CultureInfo.InvariantCulture, $"60.{Random.Shared.Next(1_000_000):D6}");
        await using var store = await TestStore.CreateAsync(engine, servers.Postgres);
        await using var server = await ServerProcess.StartAsync(
            new Dictionary<string, string?>(store.Settings)
            {
                ["PyResolve__Migrators__slow__tier1"] = MigrateDriver.Command($"sleep {seconds}"),
                ["PyResolve__Migrate__Concurrent"] = "24",
                ["PyResolve__Migrate__ConcurrentPerAccount"] = "24",
                ["PyResolve__LogFormat"] = "json",
            },
            cancellation);
        var account = await TestAccount.SignUpAsync(server.Http);
        await store.ExecuteSqlAsync("update profiles set plan = 'unlimited'");
        var first = await account.Key.MigrateLaterAsync("slow");
        await Eventually.IsTrueAsync(() => MigrateDriver.Sleepers(seconds).Count > 0, cancellationToken: cancellation);
        (await account.Key.GetAsync($"/migrate/{first.Id()}"))["state"].GetString().ShouldBe("running");

        // The others are about to start their processes when the server is told to stop.
        var begun = await Task.WhenAll(Enumerable.Range(0, 23).Select(_ => account.Key.MigrateLaterAsync("slow")));
        await server.StopAsync();

        begun.ShouldAllBe(static answer => answer.Status == 202);
        server.Log.Split('\n').Where(static line => line.Contains("\"LogLevel\":\"Error\"", StringComparison.Ordinal)).ShouldBeEmpty();
        MigrateDriver.Sleepers(seconds).ShouldBeEmpty();
        (await store.ReadNumberAsync("select sum(held) from usage_monthly")).ShouldBe(0);
    }

    [Fact]
    public async Task A_launcher_that_has_stopped_starts_nothing_more_and_says_so_as_a_cancellation()
    {
        var launcher = new MigratorLauncher();
        launcher.Dispose();

        await Should.ThrowAsync<OperationCanceledException>(
            launcher.StartAsync(new ProcessStartInfo("true"), userId: null, TestContext.Current.CancellationToken));
    }
}
