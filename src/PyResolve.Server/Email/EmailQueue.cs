using System.Threading.Channels;

namespace PyResolve.Server.Email;

/// <summary>
/// Letters on their way, off the request path: a request never waits for one, nor fails by one. Bounded; what a mail server does not
/// take is tried again for an hour or so. Lives in memory, because what it carries must not lie in the store: a letter that a crash
/// loses is asked for again.
/// </summary>
internal sealed partial class EmailQueue(IEmailSender? sender, TimeProvider time, ILogger<EmailQueue> logger) : BackgroundService, IHostedLifecycleService
{
    private const int Capacity = 1000;
    private const int Workers = 4;

    private static readonly TimeSpan LongestDrain = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan[] RetryDelays =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(45),
    ];

    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>();
    private int _pending;

    /// <summary>Whether there is a way for letters to leave; without one nothing is queued.</summary>
    public bool IsEnabled => sender is not null;

    /// <summary>Queues a letter that is written when its turn comes.</summary>
    /// <param name="compose">Writes the letter, or finds that there is none to write. Runs until it succeeds once.</param>
    public void Enqueue(Func<CancellationToken, Task<Letter?>> compose)
    {
        if (!IsEnabled)
            return;
        if (Interlocked.Increment(ref _pending) > Capacity)
        {
            Settle();
            Log.Full(logger, Capacity);
        }
        else if (!_work.Writer.TryWrite(new Work(compose)))
        {
            Settle();
        }
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>A server that does not come up has more urgent things to say.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (!IsEnabled)
            Log.Disabled(logger);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Sends what is queued, for a few seconds at most.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _work.Writer.TryComplete();
        if (ExecuteTask is { } running)
            await Task.WhenAny(running, Task.Delay(LongestDrain, cancellationToken));
        await base.StopAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, Workers).Select(_ => WorkAsync(stoppingToken)));

    private async Task WorkAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var work in _work.Reader.ReadAllAsync(stoppingToken))
                await TryAsync(work, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The drain's time is up.
        }
    }

    private async Task TryAsync(Work work, CancellationToken stoppingToken)
    {
        try
        {
            work.Letter ??= await work.Compose(stoppingToken);
            if (work.Letter is { } letter)
                await sender!.SendAsync(letter, stoppingToken);
            Settle();
        }
        catch (EmailDeliveryException exception) when (exception.IsPermanent || work.Failures == RetryDelays.Length)
        {
            Log.GivenUp(logger, exception.Message);
            Settle();
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            if (work.Failures == RetryDelays.Length)
            {
                Log.GivenUp(logger, exception.Message);
                Settle();
                return;
            }

            var delay = RetryDelays[work.Failures++];
            Log.TriedInVain(logger, delay, exception.Message);
            _ = TryLaterAsync(work, delay, stoppingToken);
        }
    }

    private async Task TryLaterAsync(Work work, TimeSpan delay, CancellationToken stoppingToken)
    {
        await Task.Delay(delay, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (stoppingToken.IsCancellationRequested || !_work.Writer.TryWrite(work))
            Settle();
    }

    private void Settle() => Interlocked.Decrement(ref _pending);

    private sealed class Work(Func<CancellationToken, Task<Letter?>> compose)
    {
        public Func<CancellationToken, Task<Letter?>> Compose => compose;

        public Letter? Letter { get; set; }

        public int Failures { get; set; }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "No letters are sent (password resets, e-mail verification): set PyResolve:Smtp:Host and PyResolve:Smtp:From, or PyResolve:EmailFolder")]
        public static partial void Disabled(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "A letter was not sent: {Capacity} others wait already")]
        public static partial void Full(ILogger logger, int capacity);

        [LoggerMessage(3, LogLevel.Warning, "A letter was not sent; trying again in {Delay}: {Reason}")]
        public static partial void TriedInVain(ILogger logger, TimeSpan delay, string reason);

        [LoggerMessage(4, LogLevel.Error, "A letter was not sent, and will not be: {Reason}")]
        public static partial void GivenUp(ILogger logger, string reason);
    }
}
