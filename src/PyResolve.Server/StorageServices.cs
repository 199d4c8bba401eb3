using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class StorageServices
{
    private const string SqliteFile = "pyresolve.db";

    public static IServiceCollection AddStorage(this IServiceCollection services) => services
        .AddSingleton(static provider => new Database(CreateEngine(provider.GetRequiredService<ServerOptions>())))
        .AddSingleton<SchemaMigrator>();

    private static Engine CreateEngine(ServerOptions options) => options.DatabaseUrl is { } url
        ? new PostgresEngine(DatabaseUrl.ToConnectionString(url))
        : new SqliteEngine(Path.Combine(options.DataFolder, SqliteFile));
}
