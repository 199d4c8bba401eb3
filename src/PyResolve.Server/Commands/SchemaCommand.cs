using System.CommandLine;
using PyResolve.Server.Access;
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
        foreach (var clash in await EmailKeys.ResolveAsync(services.GetRequiredService<Database>(), cancellationToken))
        {
            await Console.Out.WriteLineAsync(
                $"The account {clash.UserId} ({clash.Email}) has the same mailbox as {clash.Other} ({clash.OtherEmail}). "
                + $"Give it another address: accounts set-email {clash.UserId} <new e-mail>");
        }

        await Console.Out.WriteLineAsync($"The schema is at version {schema.Version}.");
        return 0;
    }
}
