using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;

namespace PyResolve.Server.Email;

/// <summary>
/// Sends queued emails. No request waits for a mail server or fails because of one. An email that is not accepted is tried again for about
/// an hour. Delivery is at least once: twice where the sender dies before the store knows that the email was sent.
/// </summary>
internal sealed partial class EmailSender(
    Database database, EmailOutbox outbox, ComposeEmail compose, IEmailTransport? transport, ServerMetrics metrics, TimeProvider time,
    ILogger<EmailSender> logger)
    : RepeatedWork(Interval, time, outbox.Arrivals), IHostedLifecycleService
{
    private const int AtOnce = 4;

    /// <summary>How often to see whether a retry is due, or it is time to look for emails of other instances that died.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(5);

    /// <summary>The age from which on emails are dropped: after a long outage they would only confuse.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromDays(1);

    private static readonly TimeSpan[] RetryDelays =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(45),
    ];

    private readonly LookSchedule _looks = new(TimeSpan.FromSeconds(10), () => database.Writes, time);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Not earlier: if the server fails to start, its own error should be the last line.
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled)
            Log.Disabled(logger);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override void Failed(Exception exception) => Log.StoreUnavailable(logger, exception.Message);

    protected override async Task WorkAsync(CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled || !_looks.TryBegin())
            return;
        using var drained = new CancellationTokenSource();
        await using var stopping = cancellationToken.Register(() => drained.CancelAfter(DrainTimeout));
        DateTimeOffset? next;
        while ((next = await outbox.FindNextDueAsync(cancellationToken)) <= Time.GetInstant())
        {
            var due = await outbox.TakeDueAsync(AtOnce, cancellationToken);
            if (due.Count == 0)
                break;
            await Task.WhenAll(due.Select(email => TrySendAsync(email, drained.Token)));
        }

        _looks.End(next);
    }

    private async Task TrySendAsync(DueEmail due, CancellationToken cancellationToken)
    {
        if (Time.GetInstant() - due.CreatedAt > MaxAge)
        {
            Log.GivenUp(logger, "it has waited for more than a day");
            metrics.EmailGivenUp();
            await outbox.RemoveAsync(due.Id, cancellationToken);
            return;
        }

        try
        {
            if (await compose(due, cancellationToken) is { } message)
            {
                await transport!.SendAsync(message, cancellationToken);
                metrics.EmailSent();
            }
        }
        catch (Exception exception) when (exception is not StoreUnavailableException && !cancellationToken.IsCancellationRequested)
        {
            if (exception is not EmailDeliveryException { IsPermanent: true } && due.Tries <= RetryDelays.Length)
            {
                var delay = RetryDelays[due.Tries - 1];
                Log.DeliveryFailed(logger, delay, exception.Message);
                metrics.EmailRetried();
                await outbox.RetryAfterAsync(due.Id, delay, cancellationToken);
                return;
            }

            Log.GivenUp(logger, exception.Message);
            metrics.EmailGivenUp();
        }

        await outbox.RemoveAsync(due.Id, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No emails are sent (password resets, email verification): "
            + "set PyResolve:Smtp:Host and PyResolve:Smtp:From, or PyResolve:EmailFolder")]
        public static partial void Disabled(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "Emails cannot be sent while the store does not answer: {Cause}")]
        public static partial void StoreUnavailable(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Warning, "An email was not sent; trying again in {Delay}: {Reason}")]
        public static partial void DeliveryFailed(ILogger logger, TimeSpan delay, string reason);

        [LoggerMessage(4, LogLevel.Error, "An email was not sent and will not be tried again: {Reason}")]
        public static partial void GivenUp(ILogger logger, string reason);
    }
}
