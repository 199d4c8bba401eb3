using System.CommandLine;
using System.CommandLine.Invocation;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Help;

/// <summary>What <c>--help</c> prints: it fits the terminal's width, and a screen.</summary>
internal sealed class HelpScreen(Terminal terminal) : SynchronousCommandLineAction
{
    private const string Indent = "  ";
    private const int WidestName = 26;
    private const int LeastTextWidth = 24;

    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var help = CommandHelp.Of(parseResult.CommandResult.Command);
        Write(help.Text, "");
        terminal.Line();
        Write($"{Heading("Usage:")} {help.Usage}", Indent);
        WriteEntries("Commands:", help.Commands);
        WriteEntries("Arguments:", help.Arguments);
        WriteEntries("Options:", [.. help.Options, .. help.GlobalOptions]);
        if (help.Examples.Count > 0)
        {
            terminal.Line();
            terminal.Line(Heading("Examples:"));
            foreach (var example in help.Examples)
                terminal.Line(Indent + example);
        }

        terminal.Line();
        terminal.Line(Heading("Exit codes:"));
        terminal.Line(ExitCodes.Help);
        return ExitCodes.Success;
    }

    private void WriteEntries(string heading, IReadOnlyList<HelpEntry> entries)
    {
        if (entries.Count == 0)
            return;
        terminal.Line();
        terminal.Line(Heading(heading));
        var widest = Math.Min(entries.Max(static entry => entry.Name.Length), WidestName);
        var column = terminal.Width - widest - (Indent.Length * 2) < LeastTextWidth ? Indent.Length : widest;
        foreach (var (name, text) in entries)
        {
            var lead = Indent + name.PadRight(column) + Indent;
            var indent = new string(' ', (Indent.Length * 2) + column);
            if (name.Length > column)
            {
                terminal.Line(Indent + name);
                lead = indent;
            }
            Write(lead + text, indent);
        }
    }

    private void Write(string text, string indent)
    {
        foreach (var line in TextWrap.Lines(text, terminal.Width, indent))
            terminal.Line(line);
    }

    private string Heading(string text) => terminal.Paint(text, Colour.Bold);
}
