using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// Lets requests wait, in their order, for one of <paramref name="size"/> connections. Where PostgreSQL has fewer than that to give
/// (53300), the requests wait for those that are open, rather than be refused. Writes leave some connections to reads, also of those
/// fewer: where a synchronous standby is missing they wait for long, and keys must be checked meanwhile. Of several nodes, each has at
/// most half of the connections, so that one which hangs stops its own accounts only; and its writes leave some of those to its reads.
/// Thread-safe.
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
    private readonly SemaphoreSlim _writes = new(MostOfWrites(size));
    private readonly ConcurrentDictionary<long, NodeShare> _nodes = new();
    private readonly Lock _gate = new();
    private volatile bool _hasSeveralNodes;
    private int _open;
    private int _withdrawn;

    // Of the connections of writes. Those that are owed are in use: the next writes that end give them.
    private int _withheld;
    private int _owed;

    private string Limit => timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);

    private int MostOfNode => Math.Max(1, size / 2);

    private bool HasSeveralNodes => _hasSeveralNodes || (_hasSeveralNodes = _nodes.Count > 1);

    /// <exception cref="NpgsqlException">None was free in time.</exception>
    public async ValueTask<(HostConnection Opened, IDisposable Place)> OpenAsync(
        Func<TimeSpan, CancellationToken, ValueTask<HostConnection>> open, bool toWrite, long? node, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        var shares = new List<SemaphoreSlim>();
        try
        {
            if (node is { } one && _nodes.GetOrAdd(one, _ => new NodeShare(MostOfNode)) is var share && HasSeveralNodes)
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
            shares.ForEach(Release);
            throw;
        }

        async ValueTask TakeAsync(SemaphoreSlim share, Func<NpgsqlException> refuse)
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

    private static int MostOfWrites(int size) => Math.Max(1, size - Math.Min(size / 2, ForReads));

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
                    Withhold();
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
        $"None of the {MostOfWrites(size) - Volatile.Read(ref _withheld)} connections that writes may have was free within {Limit} s: ")
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
            Withhold();
        }
        while (remaining > 0);
    }

    /// <summary>Withholds from writes as many connections as PostgreSQL refused, but leaves one.</summary>
    private void Withhold()
    {
        lock (_gate)
        {
            var withheld = Math.Min(Volatile.Read(ref _withdrawn), MostOfWrites(size) - 1);
            for (; _withheld < withheld; _withheld++)
                _owed += _writes.Wait(0, CancellationToken.None) ? 0 : 1;
            for (; _withheld > withheld; _withheld--)
                ReleaseWrite();
        }
    }

    private void ReleaseWrite()
    {
        lock (_gate)
        {
            if (_owed > 0)
                _owed--;
            else
                _writes.Release();
        }
    }

    private void Release(SemaphoreSlim share)
    {
        if (share == _writes)
            ReleaseWrite();
        else
            share.Release();
    }

    private sealed class NodeShare(int size)
    {
        public SemaphoreSlim All { get; } = new(size);

        public SemaphoreSlim Writes { get; } = new(MostOfWrites(size));
    }

    /// <summary>Becomes free when the connection is returned or its host is abandoned.</summary>
    private sealed class Place : IDisposable
    {
        private readonly ConnectionQueue _queue;
        private readonly List<SemaphoreSlim> _shares;
        private readonly CancellationTokenRegistration _registration;
        private int _isFree;

        public Place(ConnectionQueue queue, List<SemaphoreSlim> shares, CancellationToken abandoned)
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
            _shares.ForEach(_queue.Release);
        }
    }
}
