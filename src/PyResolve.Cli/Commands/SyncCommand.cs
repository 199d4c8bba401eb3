using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class SyncCommand
{
    public const string CommandName = "sync";

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Send the usage that waits on this machine. Also returns prepaid migrations that are over.",
            "pyresolve sync", "pyresolve sync --json")
        {
            GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) =>
            RunAsync(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(GlobalOptions.Json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string? profile, bool isJson, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(profile);
        var failure = await WaitingUsage.SendAsync(client, cancellationToken);

        var (sent, waiting, rejected) = (client.Usage.Sent, client.Usage.Pending, client.Usage.Rejected);
        if (failure is not null)
            throw Failures.Describe(failure, profile);
        var settled = waiting == 0 ? await client.Quota.SettlePrepaidAsync(cancellationToken) : 0;
        if (isJson)
            terminal.Exact(CliJson.Write(new SyncReport(sent, waiting, rejected, settled)));
        else if (sent + waiting + rejected == 0)
            terminal.Success("Nothing waits to be sent");
        else
            terminal.Success($"Sent {QuotaText.Pluralize(sent, "usage event")}");
        if (settled > 0 && !isJson)
            terminal.Success("Returned the prepaid migrations whose time is over");
        if (rejected > 0)
            terminal.Warning($"The server refused {QuotaText.Pluralize(rejected, "usage event")}: {client.Usage.LastRejection?.Message}");
        if (waiting > 0)
        {
            throw new CliException(
                ExitCodes.Network, $"{QuotaText.Pluralize(waiting, "usage event")} could not be sent in time.",
                "Try again: pyresolve sync");
        }
        return ExitCodes.Success;
    }
}
