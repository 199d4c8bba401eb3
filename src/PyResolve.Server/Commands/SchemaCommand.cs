using System.CommandLine;
using System.Globalization;
using PyResolve.Server.Access;
using PyResolve.Server.Backups;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class SchemaCommand
{
    private const int MostShards = 1024;

    public static Command Create(RunOperatorCommand run)
    {
        var distribute = new Option<int?>("--distribute")
        {
            Description = "On Citus, also spread the accounts' ledgers over the nodes, in so many shards "
                + string.Create(CultureInfo.InvariantCulture, $"({CitusSchema.DefaultShards} unless said)"),
            HelpName = "shards",
            Arity = ArgumentArity.ZeroOrOne,
        };
        distribute.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && !(int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var shards)
                && shards is >= 2 and <= MostShards))
            {
                result.AddError($"--distribute takes a number of shards from 2 to {MostShards}, not '{token.Value}'.");
            }
        });
        var command = new Command("migrate-schema", "Bring the database's schema up to date, and stop") { distribute };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => MigrateAsync(services, parse.GetResult(distribute) is not null, parse.GetValue(distribute), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> MigrateAsync(
        IServiceProvider services, bool distributes, int? shards, CancellationToken cancellationToken)
    {
        var schema = services.GetRequiredService<SchemaMigrator>();
        foreach (var name in await ApplyAsync(schema, cancellationToken))
            await Console.Out.WriteLineAsync($"Applied {name}.");
        foreach (var clash in await EmailKeys.ResolveAsync(services.GetRequiredService<Database>(), cancellationToken))
        {
            await Console.Out.WriteLineAsync(
                $"The account {clash.UserId} ({clash.Email}) has the same mailbox as {clash.Other} ({clash.OtherEmail}). "
                + $"Give it another address: accounts set-email {clash.UserId} <new email>");
        }

        await Console.Out.WriteLineAsync($"The schema is at version {schema.Version}.");
        if (distributes)
            await DistributeAsync(schema, shards, cancellationToken);
        return 0;
    }

    private static async Task<IReadOnlyList<string>> ApplyAsync(SchemaMigrator schema, CancellationToken cancellationToken)
    {
        using var line = new ProgressLine("Applying", "files");
        return await schema.ApplyAsync(step => line.Report(step.Name, step.Applied, step.All), cancellationToken);
    }

    private static async Task DistributeAsync(SchemaMigrator schema, int? shards, CancellationToken cancellationToken)
    {
        Distribution distribution;
        using (var line = new ProgressLine("Distributing"))
            distribution = await schema.DistributeAsync(shards, new LineOfTables(line), cancellationToken);
        foreach (var table in distribution.Tables)
        {
            await Console.Out.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"Distributed {table.Name}, with {table.Rows:N0} rows."));
        }

        await Console.Out.WriteLineAsync(string.Create(
            CultureInfo.InvariantCulture, $"The accounts' ledgers are spread over the nodes, in {distribution.Shards} shards."));
    }

    private sealed class LineOfTables(ProgressLine line) : IProgress<MovedRows>
    {
        public void Report(MovedRows value) => line.Report(new TableProgress(value.Table, value.Rows, value.AllRows));
    }
}
