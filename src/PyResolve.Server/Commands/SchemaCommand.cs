using System.CommandLine;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class SchemaCommand
{
    public static Command Create(RunOperatorCommand run)
    {
        var command = new Command("migrate-schema", "Bring the database's schema up to date, and stop");
        command.SetAction((parse, cancellationToken) => run(parse, MigrateAsync, cancellationToken));
        return command;
    }

    private static async Task<int> MigrateAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var schema = services.GetRequiredService<SchemaMigrator>();
        foreach (var name in await schema.ApplyAsync(cancellationToken))
            await Console.Out.WriteLineAsync($"Applied {name}.");
        await Console.Out.WriteLineAsync($"The schema is at version {schema.Version}.");
        return 0;
    }
}
