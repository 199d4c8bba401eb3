using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Metering;

/// <summary>Reports overage to Stripe's meters within about a second of its commit, and again with pauses where that fails.</summary>
internal sealed partial class MeterWorker(
    MeterReports reports, PlanCatalog plans, IStripeGateway stripe, ILogger<MeterWorker> logger)
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
            await Parallel.ForEachAsync(due, concurrency, async (report, stopping) => await SendAsync(report, stopping));
        }
    }

    private async Task SendAsync(MeterReport report, CancellationToken cancellationToken)
    {
        var failure = "";
        var isUnknown = false;
        try
        {
            if (plans.Find(report.Plan)?.Overage is not { } overage)
                failure = $"the catalogue has no overage of the plan {report.Plan}";
            else if (report.CustomerId is null)
                failure = "the account is no customer at Stripe";
            else
                await stripe.ReportUsageAsync(overage.Meter, report, cancellationToken);
        }
        catch (StripeException exception) when (exception.IsOfKnownIdentifier)
        {
            // An earlier try arrived, and its answer did not.
        }
        catch (StripeException exception)
        {
            (failure, isUnknown) = (exception.Message, exception.Status is null or 409 or >= 500);
        }

        if (failure.Length == 0)
        {
            await reports.MarkSentAsync(report, cancellationToken);
            return;
        }

        await reports.RetryLaterAsync(report, failure, isUnknown, cancellationToken);
        Log.NotSent(logger, report.Identifier, report.UserId, failure);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Overage waits to be reported to Stripe: {Cause}")]
        public static partial void StoreDown(ILogger logger, string cause);

        [LoggerMessage(
            2, LogLevel.Warning, "Overage {Identifier} of account {UserId} was not reported to Stripe; trying again later: {Cause}")]
        public static partial void NotSent(ILogger logger, string identifier, Guid userId, string cause);
    }
}
