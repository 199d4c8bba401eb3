using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class SyncCommand
{
    public static Command Create(Terminal terminal)
    {
        const string Description = "Send the usage that waits on this machine since the server could not be reached.";
        var command = new Command("sync", Description) { GlobalOptions.Json };
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
        if (isJson)
            terminal.Line(CliJson.Write(new SyncReport(sent, waiting, rejected)));
        else if (sent + waiting + rejected == 0)
            terminal.Success("Nothing waits to be sent");
        else
            terminal.Success($"Sent {QuotaText.Pluralize(sent, "usage event")}");
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
