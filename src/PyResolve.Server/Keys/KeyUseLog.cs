using System.Collections.Concurrent;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Keys;

/// <summary>Writes <c>last_used_at</c> every 30 seconds and at shutdown, not in requests. A crash loses 30 seconds at most.</summary>
internal sealed partial class KeyUseLog(Database database, TimeProvider time, ILogger<KeyUseLog> logger)
    : RepeatedWork(Interval, time)
{
    private const int BatchSize = 100;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<Guid, DateTimeOffset> _marks = new();

    public void Mark(VerifiedKey key)
    {
        // Most requests of a busy key find a mark of the same second: no lookup, and no write that other cores must see.
        var now = Time.GetUtcNow();
        if (key.TryRecordUse(now))
            _marks[key.Owner.ApiKeyId!.Value] = now;
    }

    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        // In the same order on every instance, so that two of them cannot deadlock.
        foreach (var batch in _marks.ToArray().OrderBy(mark => mark.Key).Chunk(BatchSize))
        {
            await database.WriteAsync(
                async session =>
                {
                    foreach (var (keyId, usedAt) in batch)
                    {
                        var instant = usedAt.ToInstant();
                        await session.ExecuteAsync(
                            $"""
                            update api_keys set last_used_at = {instant}
                            where id = {keyId} and (last_used_at is null or last_used_at < {instant})
                            """,
                            cancellationToken);
                    }
                },
                cancellationToken);
            // A key that was used in the meantime has a newer mark, which stays.
            foreach (var mark in batch)
                _marks.TryRemove(mark);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await FlushAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Failed(exception);
        }
    }

    protected override void Failed(Exception exception) => Log.NotWritten(logger, exception.Message);

    protected override Task WorkAsync(CancellationToken cancellationToken) => FlushAsync(cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "last_used_at of API keys was not written: {Cause}")]
        public static partial void NotWritten(ILogger logger, string cause);
    }
}
