using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

/// <summary>Waits until the database answers, within a bound, and brings its schema up to date.</summary>
internal sealed partial class SchemaStartup(
    SchemaMigrator schema, Database database, ServerOptions options, TimeProvider time, ILogger<SchemaStartup> logger)
    : IHostedLifecycleService
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ToleratedSkew = TimeSpan.FromSeconds(2);
    private static readonly TimeProvider RealTime = TimeProvider.System;

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        if (options.DatabaseUrl is { } url && DatabaseUrl.FindWarning(url) is { } warning)
            Log.Unencrypted(logger, warning);
        foreach (var name in await ApplyAsync(cancellationToken))
            Log.Applied(logger, name, database.Engine.Name);
        if (time is DatabaseClock { MachineIsAheadBy: { } ahead } && ahead.Duration() > ToleratedSkew)
        {
            Log.ClocksDiffer(
                logger,
                string.Create(CultureInfo.InvariantCulture, $"{ahead.Duration().TotalSeconds:0} s"),
                ahead > TimeSpan.Zero ? "ahead of" : "behind");
        }

        foreach (var clash in await EmailKeys.ResolveAsync(database, cancellationToken))
            Log.EmailsClash(logger, clash.UserId, clash.Email, clash.Other, clash.OtherEmail);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Tries again while the database starts together with this server, or fails over.</summary>
    private async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken cancellationToken)
    {
        var startedAt = RealTime.GetTimestamp();
        for (string? waitsFor = null; ;)
        {
            try
            {
                return await schema.ApplyAsync(cancellationToken);
            }
            catch (StoreUnavailableException exception)
                when (database.Engine.MayAnswerLater(exception) && RealTime.GetElapsedTime(startedAt) + RetryDelay < options.DatabaseWait)
            {
                if (waitsFor != exception.Message)
                    Log.Waiting(logger, (int)options.DatabaseWait.TotalSeconds, waitsFor = exception.Message);
                await Task.Delay(RetryDelay, RealTime, cancellationToken);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Applied schema {Name} ({Engine})")]
        public static partial void Applied(ILogger logger, string name, string engine);

        [LoggerMessage(2, LogLevel.Warning, "Waiting for the database, for up to {Seconds} s: {Cause}")]
        public static partial void Waiting(ILogger logger, int seconds, string cause);

        [LoggerMessage(3, LogLevel.Warning, "{Warning}")]
        public static partial void Unencrypted(ILogger logger, string warning);

        [LoggerMessage(4, LogLevel.Warning,
            "The clock of this machine is {Difference} {Direction} the database's. The database's is used; set both by NTP")]
        public static partial void ClocksDiffer(ILogger logger, string difference, string direction);

        [LoggerMessage(5, LogLevel.Warning, "The account {UserId} ({Email}) has the same mailbox as {Other} ({OtherEmail}): it is found by "
            + "the exact spelling of its address alone. Give it another address: accounts set-email {UserId} <new email>")]
        public static partial void EmailsClash(ILogger logger, Guid userId, string email, Guid other, string otherEmail);
    }
}
