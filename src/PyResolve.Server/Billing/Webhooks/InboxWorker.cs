using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>
/// Syncs at once on the instance that stored the event, within seconds on another one if that fails. One worker at a time works on a
/// customer, and a slow customer does not delay the others.
/// </summary>
internal sealed partial class InboxWorker(
    Inbox inbox, CustomerSync sync, BillingCustomers customers, CustomerAdoption adoption, UnclaimedCustomers unclaimed,
    IStripeGateway stripe, ServerMetrics metrics, ILogger<InboxWorker> logger)
    : RepeatedWork(Interval, TimeProvider.System, inbox.Arrivals)
{
    private const int MaxConcurrency = 16;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    private volatile bool _isStoreDown;

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_running.Values).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    protected override void Failed(Exception exception) => Log.StoreDown(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        if (_running.Count >= MaxConcurrency)
            return;
        // The customers that run here may be listed too, shortly before and after their lease.
        foreach (var customerId in await inbox.ListDueAsync(MaxConcurrency + _running.Count, cancellationToken))
        {
            if (_running.Count >= MaxConcurrency)
                return;
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_running.TryAdd(customerId, ended.Task))
                _ = RunAsync(customerId, ended, cancellationToken);
        }
    }

    private async Task RunAsync(string customerId, TaskCompletionSource ended, CancellationToken stoppingToken)
    {
        var isDone = false;
        try
        {
            metrics.CustomerSynced(await TryAsync(customerId, stoppingToken));
            isDone = true;
            _isStoreDown = false;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Another instance, or this one after a restart, takes over.
        }
        catch (Exception exception)
        {
            if (!_isStoreDown)
                Log.StoreDown(logger, exception.Message);
            _isStoreDown = true;
        }
        finally
        {
            _running.TryRemove(customerId, out _);
            ended.SetResult();
            // There may be newer events of this customer. After a failure to store, the events stay due until the next interval.
            if (isDone)
                inbox.Arrivals.Set();
        }
    }

    /// <summary>Assigns the events to the customer of the object that they name, who is synced next.</summary>
    private async Task AssignAsync(string objectId, CancellationToken stoppingToken)
    {
        var customerId = objectId switch
        {
            _ when StripeEvents.IsSubscription(objectId) => (await stripe.FindSubscriptionAsync(objectId, stoppingToken))?.Customer,
            _ when StripeEvents.IsInvoice(objectId) => (await stripe.FindInvoiceAsync(objectId, stoppingToken))?.Customer,
            _ when StripeEvents.IsCheckout(objectId) => (await stripe.FindCheckoutAsync(objectId, stoppingToken))?.Customer,
            _ => (await stripe.FindChargeAsync(objectId, stoppingToken))?.Customer,
        };
        var name = StripeEvents.IsCharge(objectId) ? "the charge" : objectId;
        if (customerId is not null)
            await inbox.AssignAsync(objectId, customerId, stoppingToken);
        else
            await inbox.IgnoreAsync(objectId, $"{name} has no customer", stoppingToken);
    }

    /// <returns>false: it failed, and is tried again later.</returns>
    private async Task<bool> TryAsync(string customerId, CancellationToken stoppingToken)
    {
        try
        {
            if (StripeEvents.IsReference(customerId))
            {
                await AssignAsync(customerId, stoppingToken);
                return true;
            }

            if (await sync.TryRunAsync(customerId, stoppingToken))
                return true;
            var known = await customers.FindAsync(customerId, stoppingToken);
            if (known is { IsLinked: true })
                return true;
            if (await adoption.TryAsync(customerId, stoppingToken))
                await sync.TryRunAsync(customerId, stoppingToken);
            else
                await IgnoreAsync(customerId, wasLinked: known is not null, stoppingToken);
            return true;
        }
        catch (Exception exception) when (exception is not StoreUnavailableException && !stoppingToken.IsCancellationRequested)
        {
            // Logged after it is stored. If that fails too, one line is logged for all customers.
            var dead = await inbox.ScheduleRetryAsync(customerId, exception.Message, stoppingToken);
            if (exception is StripeException)
                Log.Failed(logger, customerId, exception.Message);
            else
                Log.FailedUnexpectedly(logger, exception, customerId);
            if (dead > 0)
                Log.Dead(logger, dead, customerId);
            return false;
        }
    }

    private async Task IgnoreAsync(string customerId, bool wasLinked, CancellationToken stoppingToken)
    {
        var pays = await unclaimed.NoteAsync(customerId, stoppingToken);
        var because = pays ? "no account has this customer, who pays: see 'stripe unclaimed'" : "no account has this customer";
        if (wasLinked)
            await sync.TryRunUnlinkedAsync(customerId, because, stoppingToken);
        else if (await inbox.IgnoreAsync(customerId, because, stoppingToken) > 0 && !pays)
            Log.NoAccount(logger, customerId);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe events cannot be processed now; retrying: {Cause}")]
        public static partial void StoreDown(ILogger logger, string cause);

        [LoggerMessage(2, LogLevel.Warning, "Customer {CustomerId} was not synced; trying again later: {Cause}")]
        public static partial void Failed(ILogger logger, string customerId, string cause);

        [LoggerMessage(3, LogLevel.Error, "Customer {CustomerId} was not synced; trying again later")]
        public static partial void FailedUnexpectedly(ILogger logger, Exception exception, string customerId);

        [LoggerMessage(
            4, LogLevel.Error,
            "{Count} events of customer {CustomerId} are dead: see 'stripe events list --dead', retry by 'stripe events replay --dead'")]
        public static partial void Dead(ILogger logger, int count, string customerId);

        [LoggerMessage(5, LogLevel.Information, "An event of customer {CustomerId} was ignored: no account has this customer")]
        public static partial void NoAccount(ILogger logger, string customerId);
    }
}
