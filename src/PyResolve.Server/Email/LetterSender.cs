using PyResolve.Server.Storage;

namespace PyResolve.Server.Email;

/// <summary>
/// Sends the letters that are due, off the request path: a request never waits for a mail server, nor fails by one. What is not taken is
/// tried again for about an hour. A letter is sent at least once: twice where its sender dies between the mail server's word and the store's.
/// </summary>
internal sealed partial class LetterSender(
    Outbox outbox, ComposeEmail compose, IEmailSender? sender, TimeProvider time, ILogger<LetterSender> logger) : BackgroundService, IHostedLifecycleService
{
    private const int AtOnce = 4;

    /// <summary>How often letters are looked for that other instances put off or left behind.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>How long a stop waits for what is being sent.</summary>
    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(5);

    /// <summary>What is older, after a long outage, would only puzzle its reader.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    private static readonly TimeSpan[] RetryDelays =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(45),
    ];

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A server that does not come up has more urgent things to say.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (!outbox.IsEnabled)
            Log.Disabled(logger);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!outbox.IsEnabled)
            return;
        using var drained = new CancellationTokenSource();
        await using var stopping = stoppingToken.Register(() => drained.CancelAfter(LongestDrain));
        await using var rounds = time.CreateTimer(_ => outbox.Wake(), state: null, Interval, Interval);
        // What waited while no server ran.
        outbox.Wake();
        var isDown = false;
        try
        {
            while (await outbox.WokenAsync(stoppingToken))
                isDown = !await TrySendDueAsync(isDown, stoppingToken, drained.Token);
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // Cut off, or the store is gone already. What waits is sent after the next start, or by another instance.
        }
    }

    /// <returns>Whether the store could be asked. The next round finds again what it could not.</returns>
    private async Task<bool> TrySendDueAsync(bool wasDown, CancellationToken stoppingToken, CancellationToken drained)
    {
        try
        {
            List<DueLetter> due;
            do
            {
                due = await outbox.TakeAsync(AtOnce, stoppingToken);
                await Task.WhenAll(due.Select(letter => TryAsync(letter, drained)));
            }
            while (due.Count == AtOnce);
            return true;
        }
        catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
        {
            if (!wasDown)
                Log.StoreUnavailable(logger, exception.Message);
            return false;
        }
    }

    private async Task TryAsync(DueLetter due, CancellationToken cancellationToken)
    {
        if (time.GetInstant() - due.CreatedAt > LongestWait)
        {
            Log.GivenUp(logger, "it has waited for more than a day");
            await outbox.RemoveAsync(due.Id, cancellationToken);
            return;
        }

        try
        {
            if (await compose(due, cancellationToken) is { } letter)
                await sender!.SendAsync(letter, cancellationToken);
        }
        catch (Exception exception) when (exception is not StoreUnavailableException && !cancellationToken.IsCancellationRequested)
        {
            if (exception is not EmailDeliveryException { IsPermanent: true } && due.Tries <= RetryDelays.Length)
            {
                var delay = RetryDelays[due.Tries - 1];
                Log.TriedInVain(logger, delay, exception.Message);
                await outbox.PutOffAsync(due.Id, delay, cancellationToken);
                return;
            }

            Log.GivenUp(logger, exception.Message);
        }

        await outbox.RemoveAsync(due.Id, cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No letters are sent (password resets, e-mail verification): set PyResolve:Smtp:Host and PyResolve:Smtp:From, or PyResolve:EmailFolder")]
        public static partial void Disabled(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "Letters wait for the store: {Cause}")]
        public static partial void StoreUnavailable(ILogger logger, string cause);

        [LoggerMessage(3, LogLevel.Warning, "A letter was not sent; trying again in {Delay}: {Reason}")]
        public static partial void TriedInVain(ILogger logger, TimeSpan delay, string reason);

        [LoggerMessage(4, LogLevel.Error, "A letter was not sent, and will not be: {Reason}")]
        public static partial void GivenUp(ILogger logger, string reason);
    }
}
