using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// Lets requests wait, in their order, for one of <paramref name="size"/> connections. Where PostgreSQL has fewer than that to give
/// (53300), the requests wait for those that are open, rather than be refused. Writes leave some connections to reads: where a
/// synchronous standby is missing they wait for long, and keys must be checked meanwhile. Of several nodes, each has at most half of the
/// connections, so that one which hangs stops its own accounts only; and its writes leave some of those to its reads. All this holds for
/// those fewer connections, too. Thread-safe.
/// </summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The semaphore has no wait handle, and requests may still return their places at shutdown.")]
internal sealed class ConnectionQueue(int size, TimeSpan timeout)
{
    /// <summary>How long to wait before asking PostgreSQL for more connections than it last gave.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Connections that writes leave to reads; half of them where there are few.</summary>
    private const int ForReads = 4;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly SemaphoreSlim _places = new(size);
    private readonly ConnectionShare _writes = new(MostOfWrites(size));
    private readonly ConcurrentDictionary<long, NodeShare> _nodes = new();
    private readonly Lock _gate = new();
    private volatile bool _hasSeveralNodes;
    private int _open;
    private int _withdrawn;

    private string Limit => timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>Without those that PostgreSQL did not give.</summary>
    private int Connections => Math.Max(1, size - Volatile.Read(ref _withdrawn));

    private bool HasSeveralNodes => _hasSeveralNodes || (_hasSeveralNodes = _nodes.Count > 1);

    /// <summary>The store has several nodes, also where requests have been about one of them only.</summary>
    public void ShareBetweenNodes() => _hasSeveralNodes = true;

    /// <exception cref="NpgsqlException">None was free in time.</exception>
    public async ValueTask<(HostConnection Opened, IDisposable Place)> OpenAsync(
        Func<TimeSpan, CancellationToken, ValueTask<HostConnection>> open, bool toWrite, long? node, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        var shares = new List<ConnectionShare>();
        try
        {
            if (node is { } one && ShareOf(one) is var share && HasSeveralNodes)
            {
                if (toWrite)
                    await TakeAsync(share.Writes, NodeHangs);
                await TakeAsync(share.All, NodeHangs);
            }

            if (toWrite)
                await TakeAsync(_writes, WritesTakeLong);
            var opened = await OpenAsync(open, startedAt, cancellationToken);
            return (opened, new Place(this, shares, opened.Abandoned));
        }
        catch
        {
            shares.ForEach(static share => share.Release());
            throw;
        }

        async ValueTask TakeAsync(ConnectionShare share, Func<NpgsqlException> refuse)
        {
            if (!await share.WaitAsync(Remaining(startedAt), cancellationToken))
                throw refuse();
            shares.Add(share);
        }
    }

    /// <summary>Whether PostgreSQL has no connection left, also where that is the failure of one host of several.</summary>
    public static bool IsTooMany(Exception exception) => exception
        is PostgresException { SqlState: PostgresErrorCodes.TooManyConnections }
        || (exception.InnerException is AggregateException several && several.InnerExceptions.Any(IsTooMany));

    private static int MostOfWrites(int connections) => Math.Max(1, connections - Math.Min(connections / 2, ForReads));

    private static int MostOfNode(int connections) => Math.Max(1, connections / 2);

    private NodeShare ShareOf(long node)
    {
        if (_nodes.TryGetValue(node, out var known))
            return known;
        // Not while sizes change: it would keep its old one.
        lock (_gate)
            return _nodes.GetOrAdd(node, _ => new NodeShare(Connections));
    }

    private async ValueTask<HostConnection> OpenAsync(
        Func<TimeSpan, CancellationToken, ValueTask<HostConnection>> open, long startedAt, CancellationToken cancellationToken)
    {
        NpgsqlException? refusal = null;
        while (await _places.WaitAsync(Remaining(startedAt), cancellationToken))
        {
            try
            {
                var opened = await open(Remaining(startedAt), cancellationToken);
                Interlocked.Increment(ref _open);
                return opened;
            }
            catch (NpgsqlException exception) when (IsTooMany(exception) && Remaining(startedAt) > TimeSpan.Zero)
            {
                refusal = exception;
                if (Volatile.Read(ref _open) > 0)
                {
                    if (Interlocked.Increment(ref _withdrawn) == 1)
                        GiveBackAsync().Forget();
                    Resize();
                    continue;
                }

                await Task.Delay(RetryDelay, RealTime, CancellationToken.None);
                _places.Release();
            }
            catch
            {
                _places.Release();
                throw;
            }
        }

        throw refusal ?? NoneFree();
    }

    private TimeSpan Remaining(long startedAt) =>
        timeout - RealTime.GetElapsedTime(startedAt) is var remaining && remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;

    private NpgsqlException NodeHangs() => new(FormattableString.Invariant(
        $"The database node of this account answers slowly or not at all: it has no free connection within {Limit} s."));

    private NpgsqlException NoneFree() => new(FormattableString.Invariant(
        $"None of the {size} connections (pool_size) was free within {Limit} s (connect_timeout)."));

    private NpgsqlException WritesTakeLong() => new(FormattableString.Invariant(
        $"None of the {_writes.Size} connections that writes may have was free within {Limit} s: ")
        + "other writes take long, as where a synchronous standby is missing.");

    /// <summary>Gives back one place after another, so that few requests wait for a connection in vain.</summary>
    private async Task GiveBackAsync()
    {
        int remaining;
        do
        {
            await Task.Delay(Pause, RealTime, CancellationToken.None);
            _places.Release();
            remaining = Interlocked.Decrement(ref _withdrawn);
            Resize();
        }
        while (remaining > 0);
    }

    private void Resize()
    {
        lock (_gate)
        {
            _writes.Resize(MostOfWrites(Connections));
            foreach (var node in _nodes.Values)
                node.Resize(Connections);
        }
    }

    /// <param name="connections">Of all nodes together.</param>
    private sealed class NodeShare(int connections)
    {
        public ConnectionShare All { get; } = new(MostOfNode(connections));

        public ConnectionShare Writes { get; } = new(MostOfWrites(MostOfNode(connections)));

        public void Resize(int connections)
        {
            All.Resize(MostOfNode(connections));
            Writes.Resize(MostOfWrites(MostOfNode(connections)));
        }
    }

    /// <summary>Becomes free when the connection is returned or its host is abandoned.</summary>
    private sealed class Place : IDisposable
    {
        private readonly ConnectionQueue _queue;
        private readonly List<ConnectionShare> _shares;
        private readonly CancellationTokenRegistration _registration;
        private int _isFree;

        public Place(ConnectionQueue queue, List<ConnectionShare> shares, CancellationToken abandoned)
        {
            (_queue, _shares) = (queue, shares);
            _registration = abandoned.UnsafeRegister(static place => ((Place)place!).Free(), this);
        }

        public void Dispose()
        {
            _registration.Dispose();
            Free();
        }

        private void Free()
        {
            if (Interlocked.Exchange(ref _isFree, 1) != 0)
                return;
            Interlocked.Decrement(ref _queue._open);
            _queue._places.Release();
            _shares.ForEach(static share => share.Release());
        }
    }
}
