namespace PyResolve.Server.Tests.Citus;

/// <summary><c>migrate-schema --distribute</c> where there is no Citus.</summary>
public sealed class DistributeCommandTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_database_that_is_not_on_Citus_is_refused_with_what_makes_it_one()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);

        var refused = await ServerProcess.RunAsync(["migrate-schema", "--distribute"], store.Settings, Cancellation);

        refused.ExitCode.ShouldBe(1);
        refused.Output.ShouldContain("The schema is at version");
        refused.Error.ShouldContain("Nothing was distributed. The database is not on Citus.");
        refused.Error.ShouldContain("create extension citus;");
        refused.Error.ShouldContain("select citus_add_node(");
    }

    [Fact]
    public async Task The_embedded_database_is_refused()
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Sqlite, servers.Postgres);

        var refused = await ServerProcess.RunAsync(["migrate-schema", "--distribute=4"], store.Settings, Cancellation);

        refused.ExitCode.ShouldBe(1);
        refused.Error.Trim().ShouldBe("Nothing was distributed. The embedded database has one node: name a Citus in DATABASE_URL.");
    }

    [Theory]
    [InlineData("1")]
    [InlineData("2000")]
    [InlineData("many")]
    public async Task A_wrong_number_of_shards_is_refused_before_anything_is_done(string shards)
    {
        await using var store = await TestStore.CreateAsync(StorageEngine.Postgres, servers.Postgres);

        var refused = await ServerProcess.RunAsync(["migrate-schema", $"--distribute={shards}"], store.Settings, Cancellation);

        refused.ExitCode.ShouldBe(2);
        refused.Error.ShouldContain($"--distribute takes a number of shards from 2 to 1024, not '{shards}'.");
        (await store.ReadNumberAsync("select count(*) from pg_class where relname = 'schema_versions'")).ShouldBe(0);
    }
}
