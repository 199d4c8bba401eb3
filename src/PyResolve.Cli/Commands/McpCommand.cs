using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Mcp;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

internal static class McpCommand
{
    public const string CommandName = "mcp";

    private static readonly Option<string?> Root = new("--root")
    {
        Description = "The project that upgrades keep to. Default: the current folder.",
        HelpName = "dir",
    };

    public static Command Create(Terminal terminal, StopSignals signals)
    {
        var command = new ExplainedCommand(
            CommandName,
            "Serve coding agents: the Model Context Protocol on standard input and output. A client starts it, and ends it.",
            "pyresolve mcp", "pyresolve mcp --root ~/work/shop --profile work")
        {
            Root,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, signals, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, StopSignals signals, ParseResult parse, CancellationToken cancellationToken)
    {
        var profile = GlobalOptions.GetProfile(parse);
        var root = FindRoot(parse.GetValue(Root));
        if (StandardStreams.HasInputTerminal)
            terminal.Note("This serves a coding agent, which starts it by itself; see docs/mcp.md. To end it: Ctrl+D");

        using var upgrades = new McpUpgrades(new McpProject(root), terminal, signals, profile);
        using var connection = new RpcConnection(StandardStreams.OpenInput(), StandardStreams.OpenOutput());
        var tools = new McpTools(upgrades, () => ClientFactory.Create(profile), profile);
        var resources = new McpResources(() => ClientFactory.Create(profile), profile);
        await new McpServer(connection, tools, resources, ProductVersion.Text).RunAsync(cancellationToken);
        return ExitCodes.Success;
    }

    /// <summary>Migrators start in it, too.</summary>
    private static string? FindRoot(string? root)
    {
        if (root is null)
            return McpProject.FindDefaultRoot();
        if (!Directory.Exists(root))
            throw CliException.Usage($"There is no folder {root}.", "Give --root the folder of the project.");
        Environment.CurrentDirectory = root;
        return Environment.CurrentDirectory;
    }
}
