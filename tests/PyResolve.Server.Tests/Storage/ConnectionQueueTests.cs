using Npgsql;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Tests.Storage;

public sealed class ConnectionQueueTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(300);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>PostgreSQL, or the role, has ten of the twenty.</summary>
    [Fact]
    public async Task Writes_leave_connections_to_reads_also_where_fewer_than_pool_size_are_to_be_had()
    {
        var queue = new LimitedQueue(connections: 10);
        var first = await queue.OpenAsync(20, toWrite: false);
        first.Count.ShouldBe(10);
        queue.Return(first);

        var writes = await queue.OpenAsync(20, toWrite: true);
        var reads = await queue.OpenAsync(4, toWrite: false);

        writes.Count.ShouldBe(6);
        reads.Count.ShouldBe(4);
        queue.Return(writes);
        (await queue.OpenAsync(20, toWrite: true)).Count.ShouldBe(6);
    }

    /// <summary>PostgreSQL, or the role, has ten of the twenty.</summary>
    [Fact]
    public async Task A_node_leaves_connections_to_the_others_also_where_fewer_than_pool_size_are_to_be_had()
    {
        var queue = new LimitedQueue(connections: 10);
        queue.Return(await queue.OpenAsync(1, toWrite: false, node: 1));
        queue.Return(await queue.OpenAsync(20, toWrite: false, node: null));

        var first = await queue.OpenAsync(20, toWrite: false, node: 1);
        var second = await queue.OpenAsync(20, toWrite: false, node: 2);

        first.Count.ShouldBe(5);
        second.Count.ShouldBe(5);
        queue.Return(first);
        (await queue.OpenAsync(20, toWrite: true, node: 1)).Count.ShouldBe(3);
    }

    [Fact]
    public async Task A_write_that_finds_every_connection_of_writes_in_use_is_told_so()
    {
        var queue = new ConnectionQueue(20, Limit);
        for (var i = 0; i < 16; i++)
            await OpenAsync(toWrite: true);

        (await Should.ThrowAsync<NpgsqlException>(() => OpenAsync(toWrite: true)))
            .Message.ShouldContain("None of the 16 connections that writes may have was free within 0.3 s");
        for (var i = 0; i < 4; i++)
            await OpenAsync(toWrite: false);
        (await Should.ThrowAsync<NpgsqlException>(() => OpenAsync(toWrite: false)))
            .Message.ShouldContain("None of the 20 connections (pool_size) was free within 0.3 s");

        Task OpenAsync(bool toWrite) => ConnectAsync(queue, toWrite, node: null);
    }

    /// <summary>As after a start while one node hangs, where the first requests are about its accounts.</summary>
    [Fact]
    public async Task A_node_leaves_connections_to_the_others_before_these_were_asked_for()
    {
        var queue = new ConnectionQueue(20, Limit);
        queue.ShareBetweenNodes();
        for (var i = 0; i < 10; i++)
            await ConnectAsync(queue, toWrite: false, node: 1);

        (await Should.ThrowAsync<NpgsqlException>(() => ConnectAsync(queue, toWrite: false, node: 1)))
            .Message.ShouldContain("The database node of this account answers slowly or not at all");
        for (var i = 0; i < 10; i++)
            await ConnectAsync(queue, toWrite: false, node: 2);
    }

    /// <summary>As where the synchronous standby of one node is missing.</summary>
    [Fact]
    public async Task Writes_of_a_node_that_wait_for_long_leave_connections_to_its_reads_and_to_the_other_node()
    {
        var queue = new ConnectionQueue(20, Limit);
        await OpenAsync(toWrite: false, node: 2);
        var writes = Enumerable.Range(0, 16).Select(_ => OpenAsync(toWrite: true, node: 1)).ToList();

        for (var i = 0; i < 4; i++)
            await OpenAsync(toWrite: false, node: 1);
        for (var i = 0; i < 6; i++)
            await OpenAsync(toWrite: true, node: 2);
        writes.Count(static write => write.IsCompletedSuccessfully).ShouldBe(6);
        (await Should.ThrowAsync<NpgsqlException>(() => writes[^1]))
            .Message.ShouldContain("The database node of this account answers slowly or not at all");

        Task OpenAsync(bool toWrite, long node) => ConnectAsync(queue, toWrite, node);
    }

    [Fact]
    public async Task The_only_node_has_all_connections()
    {
        var queue = new ConnectionQueue(20, Limit);

        for (var i = 0; i < 16; i++)
            await ConnectAsync(queue, toWrite: true, node: 1);
        for (var i = 0; i < 4; i++)
            await ConnectAsync(queue, toWrite: false, node: 1);
    }

    [Fact]
    public async Task Connections_to_a_host_that_is_left_stand_in_nobodys_way()
    {
        using var left = new CancellationTokenSource();
        var queue = new ConnectionQueue(2, TimeSpan.FromSeconds(10));
        await OpenAsync(left.Token);
        var second = await OpenAsync(left.Token);
        var waiting = OpenAsync(CancellationToken.None);
        waiting.IsCompleted.ShouldBeFalse();

        await left.CancelAsync();

        await waiting;
        // Returned later, it does not count twice.
        second.Dispose();
        await OpenAsync(CancellationToken.None);
        OpenAsync(CancellationToken.None).IsCompleted.ShouldBeFalse();

        async Task<IDisposable> OpenAsync(CancellationToken hostLeft) => (await queue.OpenAsync(
            (_, _) => new(new HostConnection(new NpgsqlConnection(), hostLeft)), toWrite: false, node: null, Cancellation)).Place;
    }

    [Fact]
    public async Task A_request_that_has_waited_for_a_connection_has_only_the_rest_of_its_time_to_make_one()
    {
        var (queue, left) = (new ConnectionQueue(1, TimeSpan.FromSeconds(10)), new List<TimeSpan>());
        var first = await OpenAsync();
        var waiting = OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);

        first.Dispose();
        await waiting;

        left[0].ShouldBeGreaterThan(TimeSpan.FromSeconds(9));
        left[1].ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(9.01));

        async Task<IDisposable> OpenAsync() => (await queue.OpenAsync(
            (rest, _) =>
            {
                left.Add(rest);
                return new(new HostConnection(new NpgsqlConnection(), CancellationToken.None));
            },
            toWrite: false,
            node: null,
            Cancellation)).Place;
    }

    private static async Task ConnectAsync(ConnectionQueue queue, bool toWrite, long? node) => await queue.OpenAsync(
        static (_, _) => new(new HostConnection(new NpgsqlConnection(), CancellationToken.None)), toWrite, node, Cancellation);

    /// <summary>Of twenty connections to several nodes, for which PostgreSQL has fewer.</summary>
    private sealed class LimitedQueue
    {
        private readonly ConnectionQueue _queue = new(20, Limit);
        private readonly int _connections;
        private int _open;

        public LimitedQueue(int connections)
        {
            _connections = connections;
            _queue.ShareBetweenNodes();
        }

        /// <returns>The places of those that were opened.</returns>
        public async Task<List<IDisposable>> OpenAsync(int count, bool toWrite, long? node = null)
        {
            var opening = Enumerable.Range(0, count)
                .Select(async _ => (await _queue.OpenAsync(Connect, toWrite, node, Cancellation)).Place)
                .ToList();
            await Task.WhenAll(opening).ContinueWith(static _ => { }, Cancellation, TaskContinuationOptions.None, TaskScheduler.Default);
            return [.. opening.Where(static one => one.IsCompletedSuccessfully).Select(static one => one.Result)];
        }

        public void Return(List<IDisposable> places)
        {
            Interlocked.Add(ref _open, -places.Count);
            places.ForEach(static place => place.Dispose());
        }

        private ValueTask<HostConnection> Connect(TimeSpan timeout, CancellationToken cancellationToken)
        {
            if (Interlocked.Increment(ref _open) <= _connections)
                return new(new HostConnection(new NpgsqlConnection(), CancellationToken.None));
            Interlocked.Decrement(ref _open);
            throw new PostgresException("too many connections for role", "FATAL", "FATAL", "53300");
        }
    }
}
