using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Npgsql;
using PyResolve.Server.Billing.Operator;
using PyResolve.Server.Commands;
using PyResolve.Server.Hosting;
using PyResolve.Server.Migrations;
using PyResolve.Server.Storage;

namespace PyResolve.Server;

internal static class CommandLine
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int WrongUsage = 2;
    private const int Interrupted = 130;

    private static readonly Option<string?> EnvironmentFileOption = new("--env-file")
    {
        Description = "A file with settings, NAME=value a line, which init writes. The environment wins over it",
        HelpName = "file",
        Recursive = true,
        DefaultValueFactory = static _ => Environment.GetEnvironmentVariable(EnvironmentFile.Setting),
    };

    public static async Task<int> RunAsync(string[] args, Func<string[], Task> serve)
    {
        // Not a command of the operator: what this program starts itself as, for POST /migrate.
        if (BuiltinMigrator.IsMeant(args))
            return BuiltinMigrator.Run(args[1]);
        var parse = Parse(args, serve);
        try
        {
            if (FindMisuse(parse) is not { } misuse)
            {
                // init writes it.
                if (parse.CommandResult.Command.Name != InitCommand.Name && parse.GetValue(EnvironmentFileOption) is { Length: > 0 } file)
                    EnvironmentFile.Load(file);
                return await parse.InvokeAsync(
                    new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            }

            await Console.Error.WriteLineAsync(misuse);
            return WrongUsage;
        }
        catch (Exception exception) when (exception is InvalidConfigurationException or FormatException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return WrongUsage;
        }
        catch (Exception exception) when (exception is StoreUnavailableException or SchemaIncompatibleException
            or SqliteException or NpgsqlException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync(exception.Message);
            return Failed;
        }
    }

    /// <returns>What is wrong with a command line; null: it can be run.</returns>
    public static string? FindMisuse(string[] args) => FindMisuse(Parse(args, static _ => Task.CompletedTask));

    /// <summary>No response files: an argument that starts with @ is an argument.</summary>
    private static ParseResult Parse(string[] args, Func<string[], Task> serve) =>
        Create(serve).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });

    private static RootCommand Create(Func<string[], Task> serve)
    {
        var root = new RootCommand(
            "Serves PyResolve billing: API keys, usage, quotas and Stripe subscriptions. Each command below is for its operator.")
        {
            EnvironmentFileOption,
            InitCommand.Create(EnvironmentFileOption, RunOnNewAsync),
            AccountCommands.Create(RunAsync),
            KeyCommands.Create(RunAsync),
            SessionCommands.Create(RunAsync),
            OperatorCommands.Create(RunAsync),
            UsageCommands.Create(RunAsync),
            AuditCommands.Create(RunAsync),
            StripeCommands.Create(RunAsync),
            ConfigCommand.Create(static parse => ServerApp.CreateBuilder(SettingsOf(parse)).Configuration),
            DoctorCommand.Create(RunAsync),
            BackupCommands.CreateBackup(RunAsync),
            BackupCommands.CreateRestore(RunOnNewAsync),
            ImportCommands.Create(RunOnNewAsync),
            SchemaCommand.Create(RunOnNewAsync),
            CostCommand.Create(),
        };
        root.SetAction(async (parse, _) =>
        {
            await serve(SettingsOf(parse));
            return Done;
        });
        foreach (var option in root.Options.OfType<HelpOption>())
            option.Aliases.Add("-?");
        AllowSettings(root);
        return root;
    }

    private static Task<int> RunAsync(ParseResult parse, OperatorCommand command, CancellationToken cancellationToken) =>
        RunAsync(parse, settings: [], isNew: false, command, cancellationToken);

    private static Task<int> RunOnNewAsync(ParseResult parse, OperatorCommand command, CancellationToken cancellationToken) =>
        RunAsync(parse, settings: [], isNew: true, command, cancellationToken);

    private static Task<int> RunOnNewAsync(
        ParseResult parse, IEnumerable<KeyValuePair<string, string?>> settings, OperatorCommand command,
        CancellationToken cancellationToken) => RunAsync(parse, settings, isNew: true, command, cancellationToken);

    /// <summary>
    /// The services are built but not started. The first SIGINT or SIGTERM cancels the command, the second ends the process. The library's
    /// own handlers end it while the message is written.
    /// </summary>
    /// <param name="parse">The rest of the command line is settings.</param>
    /// <param name="settings">They win over all others.</param>
    /// <param name="isNew">Whether an embedded database that is not there is made.</param>
    /// <param name="command">Is run.</param>
    /// <param name="cancellationToken">Interrupts it.</param>
    private static async Task<int> RunAsync(
        ParseResult parse, IEnumerable<KeyValuePair<string, string?>> settings, bool isNew, OperatorCommand command,
        CancellationToken cancellationToken)
    {
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        var builder = ServerApp.CreateBuilder(SettingsOf(parse));
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var app = ServerApp.Build(builder, isNew ? null : static built => built.Services.RequireDatabase());
        try
        {
            return await command(app.Services, interruption.Token);
        }
        // A driver that is interrupted while it connects may say that the database does not answer.
        catch (Exception exception)
            when (interruption.IsCancellationRequested && exception is (OperationCanceledException or StoreUnavailableException))
        {
            await Console.Error.WriteLineAsync("Interrupted before it was done. Run it again.");
            return Interrupted;
        }

        void Interrupt(PosixSignalContext signal)
        {
            signal.Cancel = !interruption.IsCancellationRequested;
            interruption.Cancel();
        }
    }

    /// <summary>An unknown argument is a setting: <c>--PyResolve:SessionDays=7</c>.</summary>
    private static void AllowSettings(Command command)
    {
        command.TreatUnmatchedTokensAsErrors = false;
        foreach (var child in command.Subcommands)
            AllowSettings(child);
    }

    private static string[] SettingsOf(ParseResult parse) => [.. parse.UnmatchedTokens];

    private static string? FindMisuse(ParseResult parse)
    {
        if (parse.Action is HelpAction
            || parse.RootCommandResult.Command.Options
                .OfType<VersionOption>()
                .Any(option => parse.GetResult(option) is { Implicit: false }))
            return null;
        var command = parse.CommandResult.Command;
        var settings = SettingsOf(parse);
        var path = string.Join(' ', PathOf(parse.CommandResult));
        var help = $"See: {OwnProgram.Name} {path}{(path.Length > 0 ? " " : "")}--help";
        if (CommandSettings.FindUnknown(settings) is { } unknown)
            return $"{unknown} {help}";
        if (command.Subcommands.Count > 0 && path.Length > 0)
            return $"'{path}' is not a whole command. "
                + $"It is followed by {string.Join(", ", command.Subcommands.Select(child => child.Name))}. {help}";
        return parse.Errors is [var error, ..] ? $"{error.Message.Trim()} {help}" : null;
    }

    private static Stack<string> PathOf(CommandResult result)
    {
        var names = new Stack<string>();
        for (SymbolResult? current = result; current is CommandResult { Command: not RootCommand } command; current = current.Parent)
            names.Push(command.Command.Name);
        return names;
    }
}
