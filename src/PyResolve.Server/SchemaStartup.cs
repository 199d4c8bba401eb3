using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal sealed partial class SchemaStartup(
    SchemaMigrator schema, Database database, ILogger<SchemaStartup> logger) : IHostedLifecycleService
{
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var name in await schema.ApplyAsync(cancellationToken))
            Log.Applied(logger, name, database.Engine.Name);
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
    }
}
