using PyResolve.Server.Hosting;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Settles holds whose time is up where nobody asks, within about half a second: small batches, the oldest first. Any number of instances
/// sweep side by side, each what the others have not locked. An account whose rows contradict each other is left out, and stops nobody else's.
/// </summary>
internal sealed partial class Sweeper(Database database, TimeProvider time, ILogger<Sweeper> logger) : RepeatedWork(Interval, time)
{
    private const int BatchSize = 200;

    private readonly HashSet<Guid> _leftOut = [];
    private DateTimeOffset _leftOutUntil;

    public static TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>For how long accounts are left out before they are tried again.</summary>
    public static TimeSpan Respite { get; } = TimeSpan.FromMinutes(1);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (await SweepAsync(cancellationToken) == BatchSize)
            await Task.Yield();
    }

    /// <summary>What is due counts for nobody who asks, swept or not.</summary>
    protected override void Failed(Exception exception) => Log.PutOff(logger, exception);

    /// <returns>How many were settled.</returns>
    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetInstant();
        if (now >= _leftOutUntil)
            _leftOut.Clear();
        List<Guid> except = [.. _leftOut];
        // Reading costs nobody a turn at writing, and mostly there is nothing.
        if (!await database.ReadAsync(session => HoldRows.AnyDueAsync(session, except, now, cancellationToken), cancellationToken))
            return 0;

        List<Hold> due = [];
        try
        {
            await database.WriteAsync(
                async session =>
                {
                    due = await HoldRows.LockSomeDueAsync(session, except, BatchSize, now, cancellationToken);
                    await SettleAsync(session, due, now);
                },
                cancellationToken);
        }
        catch (Exception exception) when (due.Count > 0 && IsOfTheRows(exception, cancellationToken))
        {
            foreach (var userId in due.Select(static hold => hold.UserId).Distinct())
                await SettleAloneAsync(userId, now, cancellationToken);
        }

        return due.Count;
    }

    private async Task SettleAloneAsync(Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            await database.WriteAsync(
                async session => await SettleAsync(session, await HoldRows.LockDueAsync(session, [userId], BatchSize, now, cancellationToken), now),
                cancellationToken);
        }
        catch (Exception exception) when (IsOfTheRows(exception, cancellationToken))
        {
            Log.LeftOut(logger, userId, Respite.TotalSeconds, exception);
            if (_leftOut.Count == 0)
                _leftOutUntil = now + Respite;
            _leftOut.Add(userId);
        }
    }

    /// <summary>Whether it will fail again; if not, the store is away or this process ends.</summary>
    private static bool IsOfTheRows(Exception exception, CancellationToken cancellationToken) =>
        exception is not StoreUnavailableException && !cancellationToken.IsCancellationRequested;

    private static async Task SettleAsync(Session session, List<Hold> due, DateTimeOffset now)
    {
        if (due.Count == 0)
            return;
        var months = new MonthChanges();
        var settled = new List<Hold>(due.Count);
        foreach (var hold in due)
        {
            var after = hold.At(now);
            months.Settle(hold, after);
            settled.Add(after);
        }

        var locked = HoldRows.LockMonths(session, [.. months.All.Select(static change => (change.UserId, change.Month))]);
        await session.EndAsync([locked, .. HoldRows.Settle(session, settled, months)]);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Holds whose time is up were not settled; trying again shortly")]
        public static partial void PutOff(ILogger logger, Exception exception);

        [LoggerMessage(2, LogLevel.Error, "Holds of account {UserId} whose time is up cannot be settled; trying again in {Seconds} s. 'usage recompute' repairs rollups that are wrong")]
        public static partial void LeftOut(ILogger logger, Guid userId, double seconds, Exception exception);
    }
}
