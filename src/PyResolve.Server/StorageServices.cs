using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class StorageServices
{
    private const string SqliteFile = "pyresolve.db";

    public static IServiceCollection AddStorage(this IServiceCollection services, ServerOptions options)
    {
        // Before every other hosted service, wherever it was registered: they need the schema.
        services.Insert(0, ServiceDescriptor.Singleton<IHostedService, SchemaStartup>());
        if (options.DatabaseUrl is null)
            services.Insert(0, ServiceDescriptor.Singleton<IHostedService, DataFolderLock>());
        return services
            .AddSingleton(new SqliteFolder(options.DataFolder))
            .AddSingleton(new MachineClock(TimeProvider.System))
            .AddSingleton(provider => CreateClock(provider, options))
            .AddSingleton(_ => new Database(CreateEngine(options)))
            .AddSingleton<SchemaMigrator>()
            .AddSingleton<SchemaTakeover>()
            .AddSingleton<StoreHistory>()
            .AddSingleton<StoreReadiness>();
    }

    /// <summary>The clock of all instances. With the embedded database it is the machine's, also before the database is opened.</summary>
    private static TimeProvider CreateClock(IServiceProvider provider, ServerOptions options)
    {
        var machine = provider.GetRequiredService<MachineClock>().Time;
        return options.DatabaseUrl is null ? machine : provider.GetRequiredService<Database>().Engine.CreateClock(machine);
    }

    private static Engine CreateEngine(ServerOptions options) => options.DatabaseUrl is { } url
        ? new PostgresEngine(DatabaseUrl.ToConnectionString(url))
        : new SqliteEngine(Path.Combine(options.DataFolder, SqliteFile));
}

/// <summary>The clock of this machine. All others use the store's: <see cref="Engine.CreateClock"/>.</summary>
internal sealed record MachineClock(TimeProvider Time);
