using Npgsql;

namespace PyResolve.TestKit.Tests;

public sealed class PostgresServerTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Each_database_is_empty_and_its_own()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var first = await postgres.CreateDatabaseAsync(cancellationToken: cancellation);
        var second = await postgres.CreateDatabaseAsync(cancellationToken: cancellation);

        await ExecuteAsync(first, "create table note (text text)");

        (await ScalarAsync<long>(first, "select count(*) from pg_tables where tablename = 'note'")).ShouldBe(1);
        (await ScalarAsync<long>(second, "select count(*) from pg_tables where tablename = 'note'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_killed_durable_server_restarts_on_its_port_with_its_committed_data()
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var server = await PostgresServer.StartAsync(durable: true, cancellation);
        var database = await server.CreateDatabaseAsync("crash", cancellation);
        await ExecuteAsync(database, "create table note (text text); insert into note values ('kept')");

        await server.KillAsync();
        await Should.ThrowAsync<NpgsqlException>(() => ScalarAsync<string>(database, "select text from note"));
        await server.RestartAsync(cancellation);

        (await ScalarAsync<string>(database, "select text from note")).ShouldBe("kept");
        (await ScalarAsync<string>(
            database, "select string_agg(setting, ' ') from pg_settings where name in ('fsync', 'synchronous_commit')"))
            .ShouldBe("on on");
    }

    [Fact]
    public async Task A_disposed_server_leaves_neither_process_nor_folder()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var server = await PostgresServer.StartAsync(durable: true, cancellation);
        var folder = await ScalarAsync<string>(server.ConnectionString, "show data_directory");

        await server.DisposeAsync();

        Directory.Exists(Path.GetDirectoryName(folder)).ShouldBeFalse();
        await Should.ThrowAsync<NpgsqlException>(() => ScalarAsync<int>(server.ConnectionString, "select 1"));
    }

    [Theory]
    [InlineData(
        "postgres://ann:p%40ss@db.example:6543/bill?sslmode=require",
        "Host=db.example;Port=6543;Username=ann;Password=p@ss;Database=bill;SSL Mode=Require")]
    [InlineData("postgresql://db.example", "Host=db.example;Port=5432;Username=postgres;Database=postgres")]
    [InlineData("Host=db.example;Username=ann", "Host=db.example;Username=ann")]
    public void A_server_is_named_by_a_url_or_by_keywords(string address, string keywords) =>
        PostgresAddress.Parse(address).EquivalentTo(new NpgsqlConnectionStringBuilder(keywords)).ShouldBeTrue();

    [Fact]
    public void A_connection_string_written_as_a_url_reads_back_the_same()
    {
        var builder = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = 20001,
            Username = "a b",
            Password = "p:/@ss",
            Database = "d%1",
        };

        PostgresAddress.Parse(PostgresAddress.ToUrl(builder.ConnectionString)).EquivalentTo(builder).ShouldBeTrue();
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{connectionString};Pooling=false");
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<T> ScalarAsync<T>(string connectionString, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"{connectionString};Pooling=false");
        await using var command = source.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }
}
