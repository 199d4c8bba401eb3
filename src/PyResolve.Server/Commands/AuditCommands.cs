using System.CommandLine;
using PyResolve.Server.Audit;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class AuditCommands
{
    public static Command Create(RunOperatorCommand run)
    {
        var before = new Option<string>("--before")
        {
            Description = "The first month that is kept",
            HelpName = "yyyy-mm",
            Required = true,
        };
        var json = OperatorOutput.JsonOption();
        var delete = new Command("delete", "Delete the entries of old months, of all accounts") { before, json };
        delete.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => DeleteAsync(services, parse.GetRequiredValue(before), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return new Command("audit", "Delete old entries of the audit log") { delete };
    }

    private static async Task<int> DeleteAsync(
        IServiceProvider services, string month, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (!StatisticsQuery.IsMonth(month))
            return await OperatorOutput.RefuseAsync($"--before {month}: must be a calendar month, such as 2026-11.");
        var retention = services.GetRequiredService<AuditRetention>();
        var before = Instants.StartOfMonth(month);
        if (await retention.FindLatestAsync(cancellationToken) is not { } latest || before > latest)
        {
            return await OperatorOutput.RefuseAsync(
                $"--before {month}: the last {AuditRetention.MonthsKept} months before that of the newest entry that is a day old "
                + "are kept.");
        }

        var deleted = await retention.DeleteAsync(before, cancellationToken);
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer => writer.WriteNumber("deleted", deleted))
            : await OperatorOutput.SayAsync($"Deleted {deleted} {(deleted == 1 ? "entry" : "entries")} from before {month}.");
    }
}
