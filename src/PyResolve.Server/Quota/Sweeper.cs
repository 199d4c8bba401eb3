using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Settles holds whose time is up where nobody asks, within about half a second: small batches, the oldest first. Any number of instances
/// sweep side by side, each what the others have not locked.
/// </summary>
internal sealed partial class Sweeper(Database database, TimeProvider time, ILogger<Sweeper> logger) : BackgroundService
{
    private const int BatchSize = 200;

    public static TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(500);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await SweepAsync(stoppingToken) == BatchSize)
                    await Task.Yield();
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // No reason to stop serving: what is due counts for nobody who asks, swept or not.
                Log.PutOff(logger, exception);
            }

            await Task.Delay(Interval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <returns>How many were settled.</returns>
    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        // Reading costs nobody a turn at writing, and mostly there is nothing.
        if (await database.ReadAsync(session => HoldRows.AnyDueAsync(session, now, cancellationToken), cancellationToken))
            return await database.WriteAsync(session => SettleAsync(session, now, cancellationToken), cancellationToken);
        return 0;
    }

    private static async Task<int> SettleAsync(Session session, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = await HoldRows.LockSomeDueAsync(session, BatchSize, now, cancellationToken);
        var months = new MonthChanges();
        var settled = new List<Hold>(due.Count);
        foreach (var hold in due)
        {
            var after = hold.At(now);
            months.Settle(hold, after);
            settled.Add(after);
        }

        if (settled.Count > 0)
        {
            await HoldRows.LockMonthsAsync(session, [.. months.All.Select(static change => (change.UserId, change.Month))], cancellationToken);
            await HoldRows.WriteAsync(session, settled, cancellationToken);
            await HoldRows.MoveMonthsAsync(session, months.All, cancellationToken);
        }

        return due.Count;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Holds whose time is up were not settled; trying again shortly")]
        public static partial void PutOff(ILogger logger, Exception exception);
    }
}
