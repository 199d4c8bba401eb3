using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>A host of <c>DATABASE_URL</c> with the connections to it. Thread-safe.</summary>
[SuppressMessage(
    "Design", "CA1001", Justification = "The source has no timer and no wait handle, and connections still have its token at shutdown.")]
internal sealed class PostgresHost : IAsyncDisposable
{
    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly NpgsqlDataSource _pool;
    private readonly NpgsqlDataSource _unpooled;
    private CancellationTokenSource _abandoned = new();
    private volatile bool _isSilent;
    private int _connectionsMade;

    /// <param name="settings">Of this host alone.</param>
    /// <param name="initialize">Of each connection that is made, before it is used.</param>
    public PostgresHost(NpgsqlConnectionStringBuilder settings, Func<NpgsqlConnection, Task> initialize)
    {
        Name = $"{settings.Host}:{settings.Port}";
        _pool = Build(settings.ConnectionString);
        _unpooled = Build(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false }.ConnectionString);

        NpgsqlDataSource Build(string connectionString) => new NpgsqlSlimDataSourceBuilder(connectionString)
            .EnableTransportSecurity()
            .EnableArrays()
            .UsePhysicalConnectionInitializer(
                static _ => throw new NotSupportedException("Connections are opened asynchronously."), InitializeAndCountAsync)
            .Build();

        async Task InitializeAndCountAsync(NpgsqlConnection connection)
        {
            await initialize(connection);
            Interlocked.Increment(ref _connectionsMade);
        }
    }

    public string Name { get; }

    /// <summary>Whether the host gave no answer when it was asked last. One that refuses costs no time; this one does.</summary>
    public bool IsSilent => _isSilent;

    /// <summary>Counts those that can be used, also where nobody waited for them any longer.</summary>
    public int ConnectionsMade => Volatile.Read(ref _connectionsMade);

    /// <summary>Opens a connection. An attempt that takes longer goes on, and its connection is there for the next one.</summary>
    /// <exception cref="NpgsqlException">It refused, or did not answer in time.</exception>
    public async ValueTask<HostConnection> OpenAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        // First: the host may be abandoned meanwhile.
        var abandoned = Volatile.Read(ref _abandoned).Token;
        return new HostConnection(await OpenAsync(_pool, timeout, cancellationToken), abandoned);
    }

    /// <summary>Asks the host with a connection of its own, which waits for no other.</summary>
    /// <returns>null: it can be used.</returns>
    public async Task<Exception?> FindFaultAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        try
        {
            await (await OpenAsync(_unpooled, timeout, cancellationToken)).DisposeAsync();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    /// <summary>Closes the connections that are not in use, and the others when they are returned.</summary>
    public void Clear() => _pool.Clear();

    /// <summary>Called when another host is used from now on: nobody waits any longer for what this one was asked.</summary>
    public void Abandon()
    {
        var abandoned = Interlocked.Exchange(ref _abandoned, new CancellationTokenSource());
        Clear();
        abandoned.CancelAsync().Forget();
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        await _unpooled.DisposeAsync();
    }

    private async ValueTask<NpgsqlConnection> OpenAsync(NpgsqlDataSource source, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var pooled = ConnectAsync(source, CancellationToken.None);
        if (pooled.IsCompletedSuccessfully)
        {
            _isSilent = false;
            return pooled.Result;
        }

        var opening = pooled.AsTask();
        try
        {
            var connection = await opening.WaitAsync(timeout, RealTime, cancellationToken);
            _isSilent = false;
            return connection;
        }
        catch (TimeoutException exception)
        {
            _isSilent = true;
            ReturnAsync(opening).Forget();
            throw new NpgsqlException(
                FormattableString.Invariant($"{Name} did not answer within {timeout.TotalSeconds:0.#} s."), exception);
        }
        catch (NpgsqlException exception)
        {
            _isSilent = exception.InnerException is TimeoutException;
            throw;
        }
        catch (OperationCanceledException)
        {
            ReturnAsync(opening).Forget();
            throw;
        }
    }

    /// <summary>The driver does not wrap what is wrong with a certificate.</summary>
    private static async ValueTask<NpgsqlConnection> ConnectAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        try
        {
            return await source.OpenConnectionAsync(cancellationToken);
        }
        catch (Exception exception) when (DatabaseCertificateException.IsCause(exception))
        {
            throw new DatabaseCertificateException(exception);
        }
    }

    private static async Task ReturnAsync(Task<NpgsqlConnection> opening) => await (await opening).DisposeAsync();
}

/// <param name="Abandoned">Cancelled when another host is used in place of the one that it leads to.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct HostConnection(NpgsqlConnection Connection, CancellationToken Abandoned);
