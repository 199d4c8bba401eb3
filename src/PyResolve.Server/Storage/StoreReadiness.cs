namespace PyResolve.Server.Storage;

/// <summary>
/// Whether the store accepts writes, proved by one: a read-only standby and a full disk still read. Callers share a check, so that monitors
/// do not add up to a load. Thread-safe.
/// </summary>
internal sealed partial class StoreReadiness(Database database, SchemaMigrator schema, TimeProvider time, ILogger<StoreReadiness> logger)
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>How long a write proves that others succeed.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromMilliseconds(250);

    private static readonly TimeProvider RealTime = TimeProvider.System;

    private readonly Lock _gate = new();
    private Task<string?>? _check;
    private long _checkedAt;
    private string? _logged;

    /// <returns>Why the store is not ready, in a sentence that may be shown to anybody; null where it is.</returns>
    public async Task<string?> FindProblemAsync(CancellationToken cancellationToken)
    {
        Task<string?> check;
        lock (_gate)
        {
            if (_check is null || (_check.IsCompleted && !IsFresh(_check)))
                (_check, _checkedAt) = (CheckAsync(), RealTime.GetTimestamp());
            check = _check;
        }

        try
        {
            return await check.WaitAsync(Timeout, RealTime, cancellationToken);
        }
        catch (TimeoutException)
        {
            return "The database did not confirm a write in time.";
        }
    }

    private bool IsFresh(Task<string?> check) =>
        check is { IsCompletedSuccessfully: true, Result: null } && RealTime.GetElapsedTime(_checkedAt) < MaxAge;

    private async Task<string?> CheckAsync()
    {
        var problem = await TryWriteAsync();
        if (problem is not null && problem != _logged)
            Log.NotReady(logger, problem);
        else if (problem is null && _logged is not null)
            Log.ReadyAgain(logger);
        _logged = problem;
        return problem;
    }

    private async Task<string?> TryWriteAsync()
    {
        try
        {
            await schema.CheckAsync(CancellationToken.None);
            await database.WriteAsync(
                session =>
                {
                    session.LeavesNoWork = true;
                    return session.ExecuteAsync($"update write_checks set checked_at = {time.GetInstant()}", CancellationToken.None);
                },
                CancellationToken.None);
            return null;
        }
        catch (SchemaIncompatibleException exception)
        {
            return exception.Message;
        }
        catch (StoreUnavailableException exception)
        {
            return exception.Reason;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Not ready: {Problem}")]
        public static partial void NotReady(ILogger logger, string problem);

        [LoggerMessage(2, LogLevel.Information, "Ready again")]
        public static partial void ReadyAgain(ILogger logger);
    }
}
