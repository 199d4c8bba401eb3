namespace PyResolve.Server.Imports;

internal static class ImportServices
{
    public static IServiceCollection AddImports(this IServiceCollection services) => services
        .AddSingleton<ImportFindings>()
        .AddSingleton<SupabaseImport>()
        .AddSingleton<ImportReversal>();
}
