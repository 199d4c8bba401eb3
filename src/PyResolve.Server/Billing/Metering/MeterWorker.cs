using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Metering;

/// <summary>Reports overage to Stripe's meters within about a second of its commit, and again with pauses where that fails.</summary>
internal sealed partial class MeterWorker(
    Database database, MeterReports reports, MeterSender sender, TimeProvider time, ILogger<MeterWorker> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    private const int BatchSize = 32;
    private const int MaxConcurrency = 8;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly LookSchedule _looks = new(TimeSpan.FromSeconds(30), () => database.Writes, time);

    protected override void Failed(Exception exception) => Log.StoreDown(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        if (!_looks.TryBegin())
            return;
        DateTimeOffset? next;
        while ((next = await reports.FindNextDueAsync(cancellationToken)) <= time.GetInstant())
        {
            var due = await reports.TakeDueAsync(BatchSize, cancellationToken);
            if (due.Count == 0)
                break;
            var concurrency = new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrency, CancellationToken = cancellationToken };
            // Stripe takes one report at a time of a customer and a meter, and refuses others meanwhile.
            var byCustomer = due.GroupBy(static report => report.CustomerId ?? report.Identifier, StringComparer.Ordinal);
            await Parallel.ForEachAsync(
                byCustomer, concurrency, async (ofCustomer, stopping) => await sender.SendAsync(ofCustomer, stopping));
        }

        _looks.End(next);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Overage cannot be reported to Stripe now; retrying: {Cause}")]
        public static partial void StoreDown(ILogger logger, string cause);
    }
}
