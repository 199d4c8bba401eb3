using PyResolve.Server.Billing.Gateway;

namespace PyResolve.Server.Billing.Sync;

/// <summary>
/// Syncs when a person comes back from Stripe, or looks again, so that the plan does not wait for a webhook: each customer once for each
/// page of Stripe's that was opened, and otherwise only every few seconds.
/// </summary>
internal sealed partial class ReturnSync(BillingCustomers customers, CustomerSync sync, ILogger<CustomerSync> logger)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public async Task TryAsync(BillingCustomer customer, CancellationToken cancellationToken)
    {
        if (!await customers.TryBeginReturnSyncAsync(customer.Id, cancellationToken))
            return;
        StripePace.ActFor(customer.UserId);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Timeout);
        try
        {
            await sync.RunAsync(customer.Id, deadline.Token);
        }
        catch (Exception exception)
            when (exception is StripeException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // The webhook will start a sync.
            Log.NotSynced(logger, customer.Id, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Customer {CustomerId} returned from Stripe and was not synced: {Cause}")]
        public static partial void NotSynced(ILogger logger, string customerId, string cause);
    }
}
