using Npgsql;

namespace PyResolve.Server.Storage;

/// <summary>
/// Of several hosts the driver avoids for a second each one that failed, be it for a connection that broke or one too many. So they are all
/// asked again before a request fails: they are not down for all because one connection has failed. Thread-safe.
/// </summary>
internal sealed class PostgresHosts(NpgsqlDataSource source, int count)
{
    private const int AttemptsToFindHost = 20;
    private static readonly TimeSpan PauseToFindHost = TimeSpan.FromMilliseconds(50);

    public async ValueTask<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await source.OpenConnectionAsync(cancellationToken);
            }
            catch (NpgsqlException exception) when (exception is not PostgresException && attempt < AttemptsAfter(exception))
            {
                ((NpgsqlMultiHostDataSource)source).ClearDatabaseStates();
                // Another request may have met the same failure meanwhile.
                if (attempt > 1)
                    await Task.Delay(PauseToFindHost, TimeProvider.System, cancellationToken);
            }
        }
    }

    private int AttemptsAfter(NpgsqlException exception) => (source, exception.InnerException) switch
    {
        (not NpgsqlMultiHostDataSource, _) => 1,
        // None was asked.
        (_, null) => AttemptsToFindHost,
        (_, AggregateException several) when several.InnerExceptions.Count < count => 2,
        _ => 1,
    };
}
