using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Webhooks;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Reconciliation;

internal sealed partial class ReconciliationJobs(
    Database database, BillingJobs jobs, Reconciler reconciler, Inbox inbox, BillingOptions options, TimeProvider time,
    ILogger<ReconciliationJobs> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    private const string Events = "events";
    private const string All = "all";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan NightHour = TimeSpan.FromHours(3);

    /// <summary>How far runs overlap. Stripe lists events by the second of their creation, and some of them late.</summary>
    private static readonly TimeSpan Overlap = TimeSpan.FromMinutes(10);

    /// <summary>How long Stripe lists an event.</summary>
    private static readonly TimeSpan EventRetention = TimeSpan.FromDays(30);

    private readonly LookSchedule _looks = new(TimeSpan.FromSeconds(30), () => database.Writes, time);

    private bool _hasAddedJobs;

    protected override void Failed(Exception exception) => Log.Failed(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        if (!_looks.TryBegin())
            return;
        if (!_hasAddedJobs)
        {
            await jobs.AddAsync(Events, time.GetInstant() + options.EventsInterval, cancellationToken);
            await jobs.AddAsync(All, NextNight(), cancellationToken);
            _hasAddedJobs = true;
        }

        var next = await jobs.FindNextRunAsync(cancellationToken);
        if (next <= time.GetInstant())
        {
            if (await jobs.TryLeaseAsync(Events, cancellationToken) is { } events)
                await RunAsync(events, time.GetInstant() + options.EventsInterval, FetchMissedEventsAsync, cancellationToken);
            if (await jobs.TryLeaseAsync(All, cancellationToken) is { } all)
                await RunAsync(all, NextNight(), CompareAllAsync, cancellationToken);
            next = await jobs.FindNextRunAsync(cancellationToken);
        }

        _looks.End(next);
    }

    private Task<int> FetchMissedEventsAsync(JobRun run, CancellationToken cancellationToken) =>
        reconciler.FetchMissedEventsAsync(Max(run.ReadTo - Overlap, time.GetInstant() - EventRetention), cancellationToken);

    private async Task<int> CompareAllAsync(JobRun run, CancellationToken cancellationToken)
    {
        await inbox.DeleteOldAsync(cancellationToken);
        return (await reconciler.CompareAllAsync(cancellationToken)).Repaired;
    }

    private async Task RunAsync(
        JobRun run, DateTimeOffset nextRunAt, Func<JobRun, CancellationToken, Task<int>> work, CancellationToken cancellationToken)
    {
        var startedAt = time.GetInstant();
        try
        {
            var repaired = await run.Lease.WorkAsync(working => work(run, working), cancellationToken);
            await jobs.FinishAsync(run, nextRunAt, startedAt, repaired, CancellationToken.None);
        }
        catch (LeaseLostException exception)
        {
            Log.Lost(logger, exception.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Another instance, or this one after a restart, runs it again at once.
            await jobs.FinishAsync(run, startedAt, run.ReadTo, repaired: 0, CancellationToken.None);
            throw;
        }
        catch (Exception exception) when (exception is not StoreUnavailableException)
        {
            Log.Failed(logger, exception.Message);
            await jobs.FinishAsync(run, startedAt + RetryDelay, run.ReadTo, repaired: 0, CancellationToken.None);
        }
    }

    private DateTimeOffset NextNight()
    {
        var now = time.GetInstant();
        var tonight = new DateTimeOffset(now.UtcDateTime.Date, TimeSpan.Zero) + NightHour;
        return tonight > now ? tonight : tonight.AddDays(1);
    }

    private static DateTimeOffset Max(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Reconciliation with Stripe failed; trying again later: {Cause}")]
        public static partial void Failed(ILogger logger, string cause);

        [LoggerMessage(2, LogLevel.Warning, "Reconciliation with Stripe stopped here: {Cause}")]
        public static partial void Lost(ILogger logger, string cause);
    }
}
