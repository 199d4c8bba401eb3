using System.CommandLine;
using System.Text;
using PyResolve.Cli.Base;
using PyResolve.Cli.Commands;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;

StandardStreams.ReserveNumbers();
if (args is ["--version" or "-V"])
{
    // Scripts and prompts ask for it often: no console, no parser and no handlers of signals are made.
    StandardStreams.WriteOutput(Encoding.ASCII.GetBytes(ProductVersion.Text + "\n"));
    return ExitCodes.Success;
}

var terminal = Terminal.System();
// Kept to the end of the process: a closed terminal sends SIGHUP twice, and the second would kill it on its way out.
var signals = new StopSignals();
if (args is [BuiltinMigrator.Pydantic, var path])
    return BuiltinMigrator.Run(path, terminal, signals);

// No response files: an argument that starts with @ is an argument.
var parse = CommandTree.CreateFor(args, terminal, signals)
    .Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null });
try
{
    if (Misuse.Find(parse) is { } misuse)
        throw misuse;

    terminal.IsInteractive &= !parse.GetValue(GlobalOptions.NoInput);
    // The signals are handled here, not by the library: a migrator gets them first, and time to end.
    return await parse.InvokeAsync(
        new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
            Output = terminal.Output,
        },
        signals.Requested);
}
catch (Exception exception)
{
    return FailureReport.Write(exception, parse, terminal);
}
