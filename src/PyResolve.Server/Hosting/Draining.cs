namespace PyResolve.Server.Hosting;

/// <summary>
/// From SIGTERM on, <c>/health/ready</c> says that the server stops, and it goes on serving for a while: a load balancer needs time to
/// notice. Then the server answers the requests that it has begun, and ends.
/// </summary>
internal sealed partial class Draining(ServerOptions options, ILogger<Draining> logger) : IHostedLifecycleService, IDisposable
{
    private readonly CancellationTokenSource _over = new();
    private volatile bool _isStopping;

    public bool IsStopping => _isStopping;

    /// <summary>Cancelled when that time is over: what would take longer ends now.</summary>
    public CancellationToken Over => _over.Token;

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Before any service stops.</summary>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _isStopping = true;
        if (options.Drain > TimeSpan.Zero)
        {
            Log.Draining(logger, options.Drain.TotalSeconds);
            await Task.Delay(options.Drain, TimeProvider.System, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _over.CancelAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _over.Dispose();

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Stopping: /health/ready now answers 503; serving for another {Seconds} s")]
        public static partial void Draining(ILogger logger, double seconds);
    }
}
