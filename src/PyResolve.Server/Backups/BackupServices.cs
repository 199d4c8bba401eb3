namespace PyResolve.Server.Backups;

internal static class BackupServices
{
    public static IServiceCollection AddBackups(this IServiceCollection services) => services
        .AddSingleton<StoreBackup>()
        .AddSingleton<StoreRestore>();
}
