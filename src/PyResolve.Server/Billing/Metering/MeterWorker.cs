using PyResolve.Server.Hosting;

namespace PyResolve.Server.Billing.Metering;

/// <summary>Reports overage to Stripe's meters within about a second of its commit, and again with pauses where that fails.</summary>
internal sealed partial class MeterWorker(MeterReports reports, MeterSender sender, ILogger<MeterWorker> logger)
    : RepeatedWork(Interval, TimeProvider.System)
{
    private const int BatchSize = 32;
    private const int MaxConcurrency = 8;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    protected override void Failed(Exception exception) => Log.StoreDown(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (await reports.TakeDueAsync(BatchSize, cancellationToken) is { Count: > 0 } due)
        {
            var concurrency = new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrency, CancellationToken = cancellationToken };
            // Stripe takes one report at a time of a customer and a meter, and refuses others meanwhile.
            var byCustomer = due.GroupBy(static report => report.CustomerId ?? report.Identifier, StringComparer.Ordinal);
            await Parallel.ForEachAsync(
                byCustomer, concurrency, async (ofCustomer, stopping) => await sender.SendAsync(ofCustomer, stopping));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Overage cannot be reported to Stripe now; retrying: {Cause}")]
        public static partial void StoreDown(ILogger logger, string cause);
    }
}
