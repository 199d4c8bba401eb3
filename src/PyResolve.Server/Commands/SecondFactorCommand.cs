using System.CommandLine;
using PyResolve.Server.Accounts;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class SecondFactorCommand
{
    public static Command Create(RunOperatorCommand run)
    {
        var (account, json) = (OperatorAccount.Argument(), OperatorOutput.JsonOption());
        var command = new Command(
            "reset-second-factor", "Turn the second factor of an account off, for a person who has lost the app and the recovery codes")
        {
            account, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => ResetAsync(services, parse.GetRequiredValue(account), new OperatorOutput(parse.GetValue(json)), token),
            cancellationToken));
        return command;
    }

    private static async Task<int> ResetAsync(
        IServiceProvider services, string typed, OperatorOutput output, CancellationToken cancellationToken)
    {
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));
        var wasOn = await services.GetRequiredService<AccountAdministration>().ResetSecondFactorAsync(account.Id, cancellationToken);
        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteBoolean("reset", wasOn);
            });
        }

        return await OperatorOutput.SayAsync(
            wasOn ? $"Turned the second factor of {account.Email} off." : $"{account.Email} has no second factor.");
    }
}
