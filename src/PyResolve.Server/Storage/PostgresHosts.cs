using System.Globalization;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// The hosts of <c>DATABASE_URL</c>, of which one accepts writes. That one is used until it fails and another accepts writes; then what
/// still waits for it is abandoned. Each connection proves, when it is made, that its host accepts writes. Thread-safe.
/// </summary>
internal sealed class PostgresHosts : IAsyncDisposable
{
    /// <summary>How long a host of several may take to answer. A slower one stands in the way of those that do answer.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(1);

    /// <summary>The most seconds that an attempt to connect goes on, or a request to cancel a statement, which occupies a thread.</summary>
    private const int MaxConnectSeconds = 2;

    private static readonly TimeSpan SuspicionInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly PostgresHost[] _hosts;
    private readonly CancellationTokenSource _stopping = new();
    private PostgresHost? _used;
    private int _isSuspected;
    private int _isDisposed;

    /// <param name="connectionString">With one host, or several that each have a port.</param>
    /// <param name="initialize">Of each connection that is made; throws where the host does not accept writes.</param>
    public PostgresHosts(string connectionString, Func<NpgsqlConnection, Task> initialize)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        _hosts = (settings.Host ?? "").Split(',') is { Length: > 1 } several
            ? [.. several.Select(host => new PostgresHost(SettingsOf(host, connectionString), initialize))]
            : [new PostgresHost(settings, initialize)];
    }

    /// <param name="timeout">Each host is asked once, for a second, also where less is left.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="NpgsqlException">None can be used; of several, its inner exceptions say why.</exception>
    public async ValueTask<HostConnection> ConnectAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        if (_hosts is [var only])
        {
            var limit = timeout > AnswerTimeout ? timeout : AnswerTimeout;
            return (await only.OpenAsync(limit, cancellationToken)) with { Abandoned = CancellationToken.None };
        }

        var startedAt = RealTime.GetTimestamp();
        var isAgain = false;
        while (true)
        {
            var used = Volatile.Read(ref _used);
            var failures = new List<NpgsqlException>();
            foreach (var host in InOrder(used))
            {
                try
                {
                    var opened = await host.OpenAsync(isAgain ? AnswerTimeoutWithin(startedAt, timeout) : AnswerTimeout, cancellationToken);
                    if (Use(host, used) && !opened.Abandoned.IsCancellationRequested)
                        return opened;
                    // Another request has found another host meanwhile.
                    await opened.Connection.DisposeAsync();
                    break;
                }
                catch (NpgsqlException exception) when (host != used || !ConnectionQueue.IsTooMany(exception))
                {
                    failures.Add(exception);
                }
            }

            if (failures.Count < _hosts.Length)
                continue;
            // One that is only slow may answer the next time, and a standby may be promoted meanwhile.
            if (!failures.Exists(IsSilence) || RealTime.GetElapsedTime(startedAt) >= timeout)
                throw Join(failures);
            isAgain = true;
        }
    }

    /// <summary>
    /// Called when the host that is used may not answer any longer. It is asked, and where it does not answer, the others, until one of
    /// them accepts writes or it answers again, however late: the connections to a host that hangs do not break by themselves.
    /// </summary>
    public void Suspect()
    {
        if (_hosts.Length > 1 && Volatile.Read(ref _used) is { } used && Interlocked.Exchange(ref _isSuspected, 1) == 0)
            CheckAsync(used).Forget();
    }

    /// <summary>Makes the next connections new ones.</summary>
    public void Clear() => Array.ForEach(_hosts, static host => host.Clear());

    /// <summary>Disposes of the hosts once, although several engines share them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _stopping.CancelAsync();
        foreach (var host in _hosts)
            await host.DisposeAsync();
        _stopping.Dispose();
    }

    private static NpgsqlConnectionStringBuilder SettingsOf(string host, string connectionString)
    {
        var port = host.LastIndexOf(':');
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            Host = host[..port].Trim('[', ']'),
            Port = int.Parse(host[(port + 1)..], NumberStyles.None, CultureInfo.InvariantCulture),
        };
        settings.Timeout = settings.Timeout is 0 ? MaxConnectSeconds : Math.Min(settings.Timeout, MaxConnectSeconds);
        return settings;
    }

    private static TimeSpan AnswerTimeoutWithin(long startedAt, TimeSpan timeout)
    {
        var left = timeout - RealTime.GetElapsedTime(startedAt);
        return left > AnswerTimeout ? AnswerTimeout : left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private static bool IsSilence(NpgsqlException exception) => exception.InnerException is TimeoutException;

    private static NpgsqlException Join(List<NpgsqlException> failures) =>
        failures[0] is PostgresException { SqlState: var state } same
            && failures.TrueForAll(failure => (failure as PostgresException)?.SqlState == state)
            ? same
            : new NpgsqlException(
                $"No host can be used: {string.Join("; ", failures.Select(static failure => failure.Message))}",
                new AggregateException(failures));

    /// <summary>
    /// The hosts in the order in which to try them: those that cost time last; of the others, the one that is used first.
    /// </summary>
    private IEnumerable<PostgresHost> InOrder(PostgresHost? used) =>
        _hosts.OrderBy(static host => host.IsSilent).ThenBy(host => host != used);

    /// <returns>Whether it is used: not where another request has found another host since.</returns>
    private bool Use(PostgresHost host, PostgresHost? before)
    {
        if (host == before)
            return host == Volatile.Read(ref _used);
        if (Interlocked.CompareExchange(ref _used, host, before) is var found && found != before)
            return found == host;
        before?.Abandon();
        return true;
    }

    private async Task CheckAsync(PostgresHost used)
    {
        try
        {
            var made = used.ConnectionsMade;
            while (Volatile.Read(ref _used) == used && used.ConnectionsMade == made
                && await used.FindFaultAsync(AnswerTimeout, _stopping.Token) is { } fault && !ConnectionQueue.IsTooMany(fault))
            {
                foreach (var other in _hosts.Where(host => host != used))
                {
                    if (await other.FindFaultAsync(AnswerTimeout, _stopping.Token) is null)
                    {
                        Use(other, used);
                        break;
                    }
                }

                await Task.Delay(SuspicionInterval, RealTime, _stopping.Token);
            }
        }
        finally
        {
            Volatile.Write(ref _isSuspected, 0);
        }
    }
}
