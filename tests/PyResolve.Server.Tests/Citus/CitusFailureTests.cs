using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Citus;

public sealed class CitusFailureTests
{
    /// <summary>The first three are what Citus 13.2 said when nodes were killed under load; the last is of PostgreSQL's client.</summary>
    [Theory]
    [InlineData("failure on connection marked as essential: 10.0.0.2:5432")]
    [InlineData("could not commit transaction for shard 102045 on at least one active node")]
    [InlineData("postmaster was shut down, exiting")]
    [InlineData("server closed the connection unexpectedly")]
    public async Task A_node_that_is_lost_without_a_code_is_an_outage_and_no_bug(string message)
    {
        await using var store = new PostgresEngine(DatabaseUrl.ToConnectionString("postgres://ann@127.0.0.1:9/bill"));
        await using var citus = new CitusEngine(store);
        var lost = new PostgresException(message, "ERROR", "ERROR", "XX000");

        (citus.Classify(lost), store.Classify(lost)).ShouldBe((FailureKind.Unavailable, FailureKind.Bug));
    }
}
