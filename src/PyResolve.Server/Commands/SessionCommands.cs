using System.CommandLine;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class SessionCommands
{
    public static Command Create(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var end = new Command("end", "End all sessions of an account; its API keys stay") { account, json };
        end.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => EndAsync(services, parse.GetRequiredValue(account), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return new Command("sessions", "End sessions") { end };
    }

    private static async Task<int> EndAsync(
        IServiceProvider services, string typed, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var ended = await services.GetRequiredService<AccountAdministration>().EndSessionsAsync(
            account.Id, Origin.Operator, cancellationToken);
        return output.IsJson
            ? await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteNumber("ended", ended);
            })
            : await OperatorOutput.SayAsync($"Ended {ended} {(ended == 1 ? "session" : "sessions")} of {account.Email}.");
    }
}
