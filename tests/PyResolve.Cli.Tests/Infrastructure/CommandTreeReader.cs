using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Commands;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using Command = System.CommandLine.Command;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>The command tree in this process: for what a command says about itself, without running it.</summary>
internal sealed class CommandTreeReader : IDisposable
{
    private readonly StopSignals _signals = new();
    private readonly StringWriter _output = new() { NewLine = "\n" };

    /// <param name="commandLine">For which the tree is built. By default it has every command.</param>
    public CommandTreeReader(string? commandLine = null)
    {
        var terminal = new Terminal(
            _output, TextWriter.Null, static () => TextReader.Null, colourOutput: false, colourError: false, isInteractive: false, isAscii: false);
        Root = commandLine is null
            ? CommandTree.Create(terminal, _signals)
            : CommandTree.CreateFor(Split(commandLine), terminal, _signals);
    }

    public static TheoryData<string> Commands
    {
        get
        {
            using var tree = new CommandTreeReader();
            return new TheoryData<string>(tree.Names);
        }
    }

    public RootCommand Root { get; }

    /// <summary>Every command that is not hidden: the words after <c>pyresolve</c>.</summary>
    public IEnumerable<string> Names => CommandHelp.Walk(Root).Select(static command => WordsOf(command));

    public Command Find(string name) => CommandHelp.Walk(Root).Single(command => WordsOf(command) == name);

    public string HelpOf(string name)
    {
        _output.GetStringBuilder().Clear();
        Root.Parse([.. Split(name), "--help"]).Invoke().ShouldBe(0);
        return _output.ToString();
    }

    public static string[] Split(string name) => name.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    public void Dispose()
    {
        _signals.Dispose();
        _output.Dispose();
    }

    private static string WordsOf(Command command) => CommandHelp.FullName(command)["pyresolve".Length..].Trim();
}
