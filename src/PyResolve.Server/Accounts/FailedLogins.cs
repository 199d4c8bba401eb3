using System.Threading.Channels;
using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Accounts;

/// <summary>
/// Writes failed logins into the owner's audit log, in the background: the answer must not take longer for an email that has an account.
/// The throttle limits how many there are. Thread-safe.
/// </summary>
internal sealed partial class FailedLogins(Database database, AuditLog audit, ILogger<FailedLogins> logger) : BackgroundService
{
    private const int MaxWaiting = 1_000;

    private readonly Channel<(Guid UserId, string? Address)> _waiting = Channel.CreateBounded<(Guid UserId, string? Address)>(
        new BoundedChannelOptions(MaxWaiting) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Add(Guid userId, string? address) => _waiting.Writer.TryWrite((userId, address));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        // Ends the loop when all are written.
        _waiting.Writer.TryComplete();
        if (ExecuteTask is { } writing)
            await writing.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var (userId, address) in _waiting.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await database.WriteAsync(
                    session => audit.WriteAsync(
                        session, userId, Origin.Anyone(address), AuditActions.LogInFailed, target: null, stoppingToken),
                    stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // The stop has no time left to write the others.
                return;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotWritten(logger, userId, exception.Message);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A failed login is missing in the audit log of account {UserId}: {Cause}")]
        public static partial void NotWritten(ILogger logger, Guid userId, string cause);
    }
}
