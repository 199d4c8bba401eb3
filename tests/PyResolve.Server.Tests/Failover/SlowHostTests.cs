using System.Diagnostics;
using System.Net;
using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>Hosts to which a connection takes long, or cannot be made.</summary>
public sealed class SlowHostTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_request_waits_no_longer_than_connect_timeout_for_a_place_and_a_connection_together(int hosts)
    {
        await using var nowhere = await TcpProxy.StartBlackHoleAsync(IPAddress.Loopback);
        var names = string.Join(',', Enumerable.Repeat($"127.0.0.1:{nowhere.EndPoint.Port}", hosts));
        await using var engine = new PostgresEngine(
            DatabaseUrl.ToConnectionString($"postgres://ann@{names}/bill?connect_timeout=4&pool_size=1"));
        engine.CreateClock(TimeProvider.System);

        var first = OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        // Its place is free when the first gives up: two seconds are left.
        var second = OpenAsync();

        (await first).ShouldBeLessThan(TimeSpan.FromSeconds(5));
        (await second).ShouldBeLessThan(TimeSpan.FromSeconds(5));

        async Task<TimeSpan> OpenAsync()
        {
            var startedAt = Stopwatch.GetTimestamp();
            await Should.ThrowAsync<NpgsqlException>(async () => await engine.OpenReaderAsync(node: null, Cancellation));
            return Stopwatch.GetElapsedTime(startedAt);
        }
    }

    /// <summary>As in another region: not within the second after which other hosts are asked.</summary>
    [Fact]
    public async Task A_host_that_takes_more_than_a_second_for_a_connection_is_not_asked_for_ever_after_one_answer_was_late()
    {
        await using var postgres = await PostgresServer.StartAsync(durable: true, Cancellation);
        var database = new NpgsqlConnectionStringBuilder(await postgres.CreateDatabaseAsync(cancellationToken: Cancellation)).Database;
        await using var network = TcpProxy.Start(new IPEndPoint(IPAddress.Loopback, postgres.Port));
        await using var engine = new PostgresEngine(DatabaseUrl.ToConnectionString(
            $"postgres://postgres@127.0.0.1:{network.EndPoint.Port},127.0.0.1:9/{database}?sslmode=disable"));
        await new Database(engine).ReadAsync(session => session.NumberAsync($"select 1::bigint", Cancellation), Cancellation);
        // The first time, the driver reads the types that the database has.
        engine.AfterFailure(new TimeoutException());
        await WaitUntilNoneIsMadeAsync(network);
        // There and back for the greeting and for each of two questions.
        network.Delay = TimeSpan.FromMilliseconds(200);
        var before = network.Connections;

        engine.AfterFailure(new TimeoutException());
        await Task.Delay(TimeSpan.FromSeconds(6), Cancellation);

        (network.Connections - before).ShouldBeInRange(1, 2);
    }

    /// <summary>A host that was not asked in time, on a busy machine, is asked again after a quarter of a second.</summary>
    private static async Task WaitUntilNoneIsMadeAsync(TcpProxy network)
    {
        int before;
        do
        {
            before = network.Connections;
            await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        }
        while (network.Connections > before);
    }
}
