using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class StorageServices
{
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
            .AddSingleton(provider => new Database(CreateEngine(provider, options)))
            .AddSingleton<SchemaMigrator>()
            .AddSingleton<SchemaTakeover>()
            .AddSingleton<StoreHistory>()
            .AddSingleton<StoreReadiness>();
    }

    /// <summary>A command that is told the wrong folder must not make an empty database there.</summary>
    public static void RequireDatabase(this IServiceCollection services) => services.AddSingleton(
        static provider => new SqliteFolder(provider.GetRequiredService<ServerOptions>().DataFolder) { MayBeEmpty = false });

    /// <summary>The clock of all instances. With the embedded database it is the machine's, also before the database is opened.</summary>
    private static TimeProvider CreateClock(IServiceProvider provider, ServerOptions options)
    {
        var machine = provider.GetRequiredService<MachineClock>().Time;
        return options.DatabaseUrl is null ? machine : provider.GetRequiredService<Database>().Engine.CreateClock(machine);
    }

    private static Engine CreateEngine(IServiceProvider provider, ServerOptions options)
    {
        if (options.DatabaseUrl is { } url)
            return new PostgresEngine(DatabaseUrl.ToConnectionString(url));
        var folder = provider.GetRequiredService<SqliteFolder>();
        if (!folder.MayBeEmpty)
            PrivateData.Require(folder.DatabaseFile);
        return new SqliteEngine(folder.DatabaseFile);
    }
}

/// <summary>The clock of this machine. All others use the store's: <see cref="Engine.CreateClock"/>.</summary>
internal sealed record MachineClock(TimeProvider Time);
