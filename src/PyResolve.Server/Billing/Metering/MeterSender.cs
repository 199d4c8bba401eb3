using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Metering;

/// <summary>Sends what <see cref="MeterReports"/> has taken, and notes what became of it. Thread-safe.</summary>
internal sealed partial class MeterSender(
    MeterReports reports, PlanCatalog plans, OverageItems items, IStripeGateway stripe, ILogger<MeterSender> logger)
{
    /// <summary>
    /// Sends everything that the customer's account has used and Stripe does not know, also what is not due yet: after the end of its
    /// subscription no invoice would have it. What Stripe refuses stays, and keeps nobody from ending the subscription.
    /// </summary>
    /// <exception cref="StripeException">Stripe did not answer, or could not at the moment.</exception>
    public async Task SendAllOfAsync(string customerId, CancellationToken cancellationToken)
    {
        var billing = new CustomerBilling(items);
        foreach (var report in await reports.TakeAllOfAsync(customerId, cancellationToken))
        {
            if (await SendAsync(report, billing, cancellationToken) is { IsTransient: true } failure)
                throw failure;
        }
    }

    /// <param name="ofCustomer">Reports of one customer, or one of an account that is no customer.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async Task SendAsync(IEnumerable<MeterReport> ofCustomer, CancellationToken cancellationToken)
    {
        var billing = new CustomerBilling(items);
        foreach (var report in ofCustomer)
            await SendAsync(report, billing, cancellationToken);
    }

    /// <returns>What Stripe answered; null: it has the report, or was not asked.</returns>
    private async Task<StripeException?> SendAsync(MeterReport report, CustomerBilling billing, CancellationToken cancellationToken)
    {
        StripeException? refusal = null;
        var (failure, isUnbilled, isSent) = ("", false, false);
        try
        {
            if (plans.Find(report.Plan)?.Overage is not { } overage)
                failure = $"the catalogue has no overage of the plan {report.Plan}";
            else if (report.CustomerId is null)
                failure = "the account is no customer at Stripe";
            // Stripe would take it in, and no invoice would ever have it. What is stored may be older than the subscription.
            else if (!report.IsBilled && !await billing.IncludesAsync(report, cancellationToken))
                (failure, isUnbilled) = (LateReport.NotBilled(report.Plan), true);
            else
            {
                isSent = true;
                await stripe.ReportUsageAsync(overage.Meter, report, cancellationToken);
            }
        }
        catch (StripeException exception) when (exception.IsOfKnownIdentifier)
        {
            // An earlier try arrived, and its answer did not.
        }
        catch (StripeException exception)
        {
            (failure, refusal) = (exception.Message, exception);
        }

        if (failure.Length == 0)
        {
            await reports.MarkSentAsync(report, cancellationToken);
            return null;
        }

        var isUnknown = isSent && refusal is { Status: null or 409 or >= 500 };
        await reports.RetryLaterAsync(report, failure, isUnbilled, isUnknown, cancellationToken);
        if (failure != report.Failure)
            Log.NotSent(logger, report.Identifier, report.UserId, failure);
        return refusal;
    }

    /// <summary>Finds whether a customer's reports are billed. Stripe is asked once for all of them, and only where one needs it.</summary>
    private sealed class CustomerBilling(OverageItems items)
    {
        private IReadOnlyList<StripeSubscription>? _subscriptions;

        public async Task<bool> IncludesAsync(MeterReport report, CancellationToken cancellationToken)
        {
            _subscriptions ??= await items.ListAsync(report.CustomerId!, cancellationToken);
            return _subscriptions.Any(subscription => OverageItems.DoesBill(subscription, report.Plan));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Warning, "Overage {Identifier} of account {UserId} was not reported to Stripe; trying again later: {Cause}")]
        public static partial void NotSent(ILogger logger, string identifier, Guid userId, string cause);
    }
}
