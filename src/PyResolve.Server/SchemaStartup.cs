using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal sealed partial class SchemaStartup(
    SchemaMigrator schema, Database database, ILogger<SchemaStartup> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var name in await schema.ApplyAsync(cancellationToken))
            Log.Applied(logger, name, database.Engine.Name);
        foreach (var clash in await EmailKeys.ResolveAsync(database, cancellationToken))
            Log.EmailsClash(logger, clash.UserId, clash.Email, clash.Other, clash.OtherEmail);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Applied schema {Name} ({Engine})")]
        public static partial void Applied(ILogger logger, string name, string engine);

        [LoggerMessage(2, LogLevel.Warning, "The account {UserId} ({Email}) has the same mailbox as {Other} ({OtherEmail}): it is found by "
            + "the exact spelling of its address alone. Give it another address: accounts set-email {UserId} <new e-mail>")]
        public static partial void EmailsClash(ILogger logger, Guid userId, string email, Guid other, string otherEmail);
    }
}
