using System.Collections.Concurrent;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>
/// Turns stored events into syncs: at once on the instance that stored them, and within a second on any other where that one fell. Each
/// customer is worked on by one at a time; a slow one holds up no other.
/// </summary>
internal sealed partial class InboxWorker(
    Inbox inbox, CustomerSync sync, BillingCustomers customers, CustomerAdoption adoption, IStripeGateway stripe,
    BillingOptions options, ILogger<InboxWorker> logger) : BackgroundService
{
    private const int MaxConcurrency = 16;

    private static readonly TimeSpan PollInterval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    /// <summary>Whether the last try could not be written down: that is logged once, until one can.</summary>
    private volatile bool _isStuck;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.IsConfigured)
            return;
        var isDown = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (_running.Count < MaxConcurrency)
                    await StartDueAsync(stoppingToken);
                isDown = false;
                await inbox.WaitAsync(PollInterval, stoppingToken);
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                if (!isDown)
                    Log.Down(logger, exception.Message);
                isDown = true;
                await Task.Delay(PollInterval, TimeProvider.System, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await Task.WhenAll(_running.Values);
    }

    private async Task StartDueAsync(CancellationToken stoppingToken)
    {
        // Those that run here are leased, but for the moment before and after.
        foreach (var customerId in await inbox.ListDueAsync(MaxConcurrency + _running.Count, stoppingToken))
        {
            if (_running.Count >= MaxConcurrency)
                return;
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_running.TryAdd(customerId, turn.Task))
                _ = WorkAsync(customerId, turn, stoppingToken);
        }
    }

    private async Task WorkAsync(string customerId, TaskCompletionSource turn, CancellationToken stoppingToken)
    {
        var isDone = false;
        try
        {
            await TryAsync(customerId, stoppingToken);
            isDone = true;
            _isStuck = false;
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Another instance, or the next start, goes on.
        }
        catch (Exception exception)
        {
            if (!_isStuck)
                Log.Down(logger, exception.Message);
            _isStuck = true;
        }
        finally
        {
            _running.TryRemove(customerId, out _);
            turn.SetResult();
            // More may have come for this customer meanwhile. What could not be written down is still due, and waits for the next look.
            if (isDone)
                inbox.Wake();
        }
    }

    /// <summary>A dispute names the charge; that names the customer, who is worked on next.</summary>
    private async Task NameAsync(string chargeId, CancellationToken stoppingToken)
    {
        if (await stripe.FindChargeAsync(chargeId, stoppingToken) is { Customer: { } customerId })
            await inbox.NameAsync(chargeId, customerId, stoppingToken);
        else
            await inbox.IgnoreAsync(chargeId, "the charge has no customer", stoppingToken);
    }

    private async Task TryAsync(string customerId, CancellationToken stoppingToken)
    {
        try
        {
            if (StripeEvents.IsCharge(customerId))
            {
                await NameAsync(customerId, stoppingToken);
                return;
            }

            if (await sync.TryWorkAsync(customerId, stoppingToken) || await customers.FindAsync(customerId, stoppingToken) is { IsLinked: true })
                return;
            if (await adoption.TryAsync(customerId, stoppingToken))
                await sync.TryWorkAsync(customerId, stoppingToken);
            else if (await inbox.IgnoreAsync(customerId, "no account has this customer", stoppingToken) > 0)
                Log.Unknown(logger, customerId);
        }
        catch (Exception exception) when (exception is not StoreUnavailableException && !stoppingToken.IsCancellationRequested)
        {
            // Told once it is written down: where that fails, too, the next try is a second away, and one line says so for all.
            var dead = await inbox.PutOffAsync(customerId, exception.Message, stoppingToken);
            if (exception is StripeException)
                Log.Failed(logger, customerId, exception.Message);
            else
                Log.FailedUnexpectedly(logger, exception, customerId);
            if (dead > 0)
                Log.Dead(logger, dead, customerId);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe's events wait: {Cause}")]
        public static partial void Down(ILogger logger, string cause);

        [LoggerMessage(2, LogLevel.Warning, "Customer {CustomerId} was not synced; trying again later: {Cause}")]
        public static partial void Failed(ILogger logger, string customerId, string cause);

        [LoggerMessage(3, LogLevel.Error, "Customer {CustomerId} was not synced; trying again later")]
        public static partial void FailedUnexpectedly(ILogger logger, Exception exception, string customerId);

        [LoggerMessage(4, LogLevel.Error, "{Count} events of customer {CustomerId} are dead. See them by the command 'stripe events list --dead', and try them again by 'stripe events replay --dead'")]
        public static partial void Dead(ILogger logger, int count, string customerId);

        [LoggerMessage(5, LogLevel.Information, "An event of customer {CustomerId} was ignored: no account has this customer")]
        public static partial void Unknown(ILogger logger, string customerId);
    }
}
