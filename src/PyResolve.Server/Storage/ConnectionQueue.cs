using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// Lets requests wait, in their order, for one of <paramref name="size"/> connections. Where PostgreSQL has fewer than that to give
/// (53300), the requests wait for those that are open, rather than be refused. Writes leave some connections to reads: where a synchronous
/// standby is missing they wait for long, and keys must be checked meanwhile. Of several nodes, one has at most half of the connections, so
/// that one which hangs stops its own accounts only. Thread-safe.
/// </summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The semaphore has no wait handle, and requests may still return their places at shutdown.")]
internal sealed class ConnectionQueue(int size, TimeSpan timeout)
{
    /// <summary>After this PostgreSQL is asked again for one more connection than it gave.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Connections that writes leave to reads; half of them where there are few.</summary>
    private const int ForReads = 4;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly SemaphoreSlim _places = new(size);
    private readonly SemaphoreSlim _writes = new(Math.Max(1, size - Math.Min(size / 2, ForReads)));
    private readonly ConcurrentDictionary<long, SemaphoreSlim> _nodes = new();
    private int _open;
    private int _withdrawn;

    private string Limit => timeout.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture);

    private int MostOfNode => Math.Max(1, size / 2);

    /// <exception cref="NpgsqlException">None was free in time.</exception>
    public async ValueTask<(NpgsqlConnection Connection, IDisposable Place)> OpenAsync(
        Func<CancellationToken, ValueTask<NpgsqlConnection>> open, bool toWrite, long? node, CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        var shares = new List<SemaphoreSlim>();
        try
        {
            if (node is { } one)
                await TakeAsync(_nodes.GetOrAdd(one, _ => new SemaphoreSlim(MostOfNode)), NodeHangs);
            if (toWrite)
                await TakeAsync(_writes, NoneFree);
            return (await OpenAsync(open, startedAt, cancellationToken), new Place(this, shares));
        }
        catch
        {
            shares.ForEach(static share => share.Release());
            throw;
        }

        async ValueTask TakeAsync(SemaphoreSlim share, Func<NpgsqlException> refuse)
        {
            if (!await share.WaitAsync(Left(startedAt), cancellationToken))
                throw refuse();
            shares.Add(share);
        }
    }

    private async ValueTask<NpgsqlConnection> OpenAsync(
        Func<CancellationToken, ValueTask<NpgsqlConnection>> open, long startedAt, CancellationToken cancellationToken)
    {
        NpgsqlException? refusal = null;
        while (await _places.WaitAsync(Left(startedAt), cancellationToken))
        {
            try
            {
                var connection = await open(cancellationToken);
                Interlocked.Increment(ref _open);
                return connection;
            }
            catch (NpgsqlException exception) when (IsTooMany(exception) && Left(startedAt) > TimeSpan.Zero)
            {
                refusal = exception;
                if (Volatile.Read(ref _open) > 0)
                {
                    if (Interlocked.Increment(ref _withdrawn) == 1)
                        _ = GiveBackAsync();
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

    private TimeSpan Left(long startedAt) =>
        timeout - RealTime.GetElapsedTime(startedAt) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero;

    private NpgsqlException NodeHangs() => new(FormattableString.Invariant(
        $"The database node of this account does not answer: of its {MostOfNode} connections none was free within {Limit} s."));

    private NpgsqlException NoneFree() => new(FormattableString.Invariant(
        $"None of the {size} connections (pool_size) was free within {Limit} s (connect_timeout)."));

    /// <summary>Of several hosts, the failures of all are told at once.</summary>
    private static bool IsTooMany(Exception exception) => exception
        is PostgresException { SqlState: PostgresErrorCodes.TooManyConnections }
        || (exception.InnerException is AggregateException several && several.InnerExceptions.Any(IsTooMany));

    /// <summary>One place after another, so that few requests wait for a connection in vain.</summary>
    private async Task GiveBackAsync()
    {
        do
        {
            await Task.Delay(Pause, RealTime, CancellationToken.None);
            _places.Release();
        }
        while (Interlocked.Decrement(ref _withdrawn) > 0);
    }

    private sealed class Place(ConnectionQueue queue, List<SemaphoreSlim> shares) : IDisposable
    {
        private int _isFree;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isFree, 1) != 0)
                return;
            Interlocked.Decrement(ref queue._open);
            queue._places.Release();
            shares.ForEach(static share => share.Release());
        }
    }
}
