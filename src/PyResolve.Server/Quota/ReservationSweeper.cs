using PyResolve.Server.Alerts;
using PyResolve.Server.Hosting;
using PyResolve.Server.Ledger;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Quota;

/// <summary>
/// Settles expired reservations within about half a second, in small batches, oldest first. Each instance skips what the others have
/// locked. An account whose rows are inconsistent is skipped, so that it does not stop the others. Where nothing ends, the store is asked
/// seldom; the reservations of an instance that died wait that long.
/// </summary>
internal sealed partial class ReservationSweeper(
    Database database, UsageAlerts alerts, SweepSchedule schedule, TimeProvider time, ILogger<ReservationSweeper> logger)
    : RepeatedWork(Interval, time, schedule.Wake)
{
    private const int BatchSize = 200;

    private readonly HashSet<Guid> _skipped = [];
    private DateTimeOffset _skippedUntil;
    private long? _askedAt;

    /// <summary>The shortest wait between two sweeps.</summary>
    public static TimeSpan Interval { get; } = TimeSpan.FromMilliseconds(500);

    /// <summary>The longest wait.</summary>
    public static TimeSpan IdleInterval { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long accounts are skipped before they are tried again.</summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromMinutes(1);

    protected override TimeSpan NextWait =>
        schedule.Next - Time.GetUtcNow() is { } left && left < IdleInterval ? (left > Interval ? left : Interval) : IdleInterval;

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        // Woken because something ends sooner than was known, but not yet.
        if (_askedAt is { } askedAt && Time.GetElapsedTime(askedAt) < IdleInterval && schedule.Next > Time.GetUtcNow())
            return;
        while (await SweepAsync(cancellationToken) == BatchSize)
            await Task.Yield();
    }

    // Harmless: readers do not count expired reservations.
    protected override void Failed(Exception exception) => Log.SweepFailed(logger, exception);

    private async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var now = Time.GetInstant();
        if (now >= _skippedUntil)
            _skipped.Clear();
        List<Guid> except = [.. _skipped];
        // Looks first, because a read does not queue for the writer, and mostly there is nothing to settle.
        schedule.Begin();
        var askedAt = Time.GetTimestamp();
        var next = await database.ReadAsync(
            session => ReservationRows.FindNextEndAsync(session, except, cancellationToken), cancellationToken);
        schedule.SetNext(_skipped.Count > 0 && !(next < _skippedUntil) ? _skippedUntil : next);
        _askedAt = askedAt;
        if (!(next <= now))
            return 0;

        List<StoredReservation> due = [];
        try
        {
            await database.WriteAsync(
                async session =>
                {
                    due = await ReservationRows.LockSomeDueAsync(session, except, BatchSize, now, cancellationToken);
                    await SettleAsync(session, due, now);
                },
                cancellationToken);
        }
        catch (Exception exception) when (due.Count > 0 && IsCausedByRows(exception, cancellationToken))
        {
            foreach (var userId in due.Select(static reservation => reservation.UserId).Distinct())
                await SettleAccountAsync(userId, now, cancellationToken);
        }

        return due.Count;
    }

    private async Task SettleAccountAsync(Guid userId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            await database.OfAccount(userId).WriteAsync(
                async session =>
                {
                    var due = await ReservationRows.LockDueAsync(session, [userId], BatchSize, now, cancellationToken);
                    await SettleAsync(session, due, now);
                },
                cancellationToken);
        }
        catch (Exception exception) when (IsCausedByRows(exception, cancellationToken))
        {
            Log.AccountSkipped(logger, userId, Grace.TotalSeconds, exception);
            if (_skipped.Count == 0)
                _skippedUntil = now + Grace;
            _skipped.Add(userId);
        }
    }

    /// <summary>Whether a retry would fail as well: neither the store is unavailable nor the server stopping.</summary>
    private static bool IsCausedByRows(Exception exception, CancellationToken cancellationToken) =>
        exception is not StoreUnavailableException && !cancellationToken.IsCancellationRequested;

    private async Task SettleAsync(Session session, List<StoredReservation> due, DateTimeOffset now)
    {
        if (due.Count == 0)
            return;
        var months = new MonthChanges();
        var settled = new List<StoredReservation>(due.Count);
        foreach (var reservation in due)
        {
            var after = reservation.At(now);
            months.Settle(reservation, after);
            settled.Add(after);
        }

        var locked = MonthRows.Lock(session, [.. months.All.Select(static change => (change.UserId, change.Month))]);
        await session.EndAsync([.. locked, .. ReservationRows.Settle(session, settled, months), .. alerts.Write(session, months.Lapsed)]);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Expired reservations were not settled; trying again shortly")]
        public static partial void SweepFailed(ILogger logger, Exception exception);

        [LoggerMessage(
            2,
            LogLevel.Error,
            "Expired reservations of account {UserId} cannot be settled; trying again in {Seconds} s. "
            + "'usage recompute' repairs wrong rollups")]
        public static partial void AccountSkipped(ILogger logger, Guid userId, double seconds, Exception exception);
    }
}
