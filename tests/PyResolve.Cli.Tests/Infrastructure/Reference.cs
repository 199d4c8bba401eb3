using System.CommandLine;
using System.Text;
using PyResolve.Cli.Help;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>Writes every command's help as one page.</summary>
internal static class Reference
{
    private static readonly (int Code, string Meaning)[] ExitCodes =
    [
        (0, "success"),
        (1, "failure: of the migrator, the server or a file"),
        (2, "invalid arguments or configuration"),
        (3, "denied: the month's quota is used up, or the plan does not allow it"),
        (4, "not logged in, or the key is not valid"),
        (5, "the server cannot be reached, or what answers is not a PyResolve server"),
        (130, "interrupted"),
    ];

    public static string WriteMarkdown(RootCommand root)
    {
        var page = new StringBuilder();
        page.Append("""
            # Command reference

            Written from the commands of `pyresolve`; `pyresolve help <command>` says the same. What it is for, and how to begin:
            [its README](../src/PyResolve.Cli/README.md). A test writes this page anew, and fails when it differs; its message says how to
            update it.

            Results go to standard output, warnings and errors to standard error. With `--json` a result is an object with `"version": 1`,
            whose members are only ever added to, and an error is one too, on standard error: `{"version", "exit_code", "error", "next"}`.


            """);
        var all = CommandHelp.Walk(root).Select(CommandHelp.Of).ToList();
        WriteTable(page, "command", [.. all.Skip(1).Select(static help => (Link(help.Name), CommandHelp.FirstSentence(help.Text)))]);
        WriteTable(page, "option of every command", [.. all[0].GlobalOptions.Select(static entry => (Code(entry.Name), entry.Text))]);
        WriteTable(page, "exit code", [.. ExitCodes.Select(static exit => ($"{exit.Code}", exit.Meaning))]);
        foreach (var help in all.Skip(1))
            WriteSection(page, help);
        return page.ToString().TrimEnd('\n') + "\n";
    }

    public static string WriteManPage(RootCommand root)
    {
        var page = new StringBuilder();
        var top = CommandHelp.Of(root);
        page.Append(".TH PYRESOLVE 1\n.SH NAME\npyresolve \\- ").Append(Roff(top.Text));
        page.Append("\n.SH SYNOPSIS\n.B ").Append(Roff(top.Usage)).Append("\n.SH COMMANDS\n");
        foreach (var help in CommandHelp.Walk(root).Skip(1).Select(CommandHelp.Of))
        {
            page.Append(".SS ").Append(Roff(help.Usage)).Append('\n').Append(Roff(help.Text)).Append('\n');
            foreach (var entry in help.Arguments.Concat(help.Options))
                page.Append(".TP\n.B ").Append(Roff(entry.Name)).Append('\n').Append(Roff(entry.Text)).Append('\n');
            page.Append(".PP\n.nf\n").AppendJoin('\n', help.Examples.Select(Roff)).Append("\n.fi\n");
        }

        page.Append(".SH OPTIONS\n");
        foreach (var entry in top.GlobalOptions)
            page.Append(".TP\n.B ").Append(Roff(entry.Name)).Append('\n').Append(Roff(entry.Text)).Append('\n');
        page.Append(".SH EXIT STATUS\n");
        foreach (var (code, meaning) in ExitCodes)
            page.Append(".TP\n.B ").Append(code).Append('\n').Append(Roff(meaning)).Append('\n');
        return page.ToString();
    }

    private static void WriteSection(StringBuilder page, CommandHelp help)
    {
        page.Append("## ").Append(help.Name).Append("\n\n").Append(Escape(help.Text));
        page.Append("\n\n```\n").Append(help.Usage).Append("\n```\n\n");
        WriteTable(page, "argument", [.. help.Arguments.Select(static entry => (Code(entry.Name), entry.Text))]);
        WriteTable(page, "option", [.. help.Options.Select(static entry => (Code(entry.Name), entry.Text))]);
        page.Append("```sh\n").AppendJoin('\n', help.Examples).Append("\n```\n\n");
    }

    private static void WriteTable(StringBuilder page, string heading, IReadOnlyList<(string Name, string Text)> rows)
    {
        if (rows.Count == 0)
            return;
        page.Append("| ").Append(heading).Append(" | |\n|---|---|\n");
        foreach (var (name, text) in rows)
            page.Append("| ").Append(name).Append(" | ").Append(Escape(text)).Append(" |\n");
        page.Append('\n');
    }

    private static string Link(string name) => $"[{name}](#{name.Replace(' ', '-')})";

    private static string Code(string text) => $"`{text.Replace("|", "\\|", StringComparison.Ordinal)}`";

    private static string Escape(string text) =>
        text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "\\<", StringComparison.Ordinal);

    /// <summary>A hyphen that can be copied, and no line that begins with a control character.</summary>
    private static string Roff(string text)
    {
        var escaped = text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal);
        return escaped.StartsWith('.') || escaped.StartsWith('\'') ? $"\\&{escaped}" : escaped;
    }
}
