using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;

namespace PyResolve.Cli.Commands;

/// <summary>Scripts for shells. Each asks this program for what may follow, so that they never go out of date.</summary>
internal static class CompletionCommand
{
    public const string CommandName = "completion";

    private const string Bash = """
        _pyresolve() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(pyresolve "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _pyresolve pyresolve
        """;

    private const string Zsh = """
        #compdef pyresolve
        _pyresolve() {
          local -a words_found
          words_found=("${(@f)$(pyresolve "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          if (( ${#words_found} )) && [[ -n "${words_found[1]}" ]]; then
            compadd -- "${words_found[@]}"
          else
            _files
          fi
        }
        compdef _pyresolve pyresolve
        """;

    private const string Fish = """
        complete -c pyresolve -a '(pyresolve "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName pyresolve -ScriptBlock {
          param($wordToComplete, $commandAst, $cursorPosition)
          pyresolve "[suggest:$cursorPosition]" "$commandAst" 2>$null |
            Where-Object { $_ -like "$wordToComplete*" } |
            ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
        }
        """;

    private static readonly Argument<string> Shell =
        new Argument<string>("shell") { Description = "The shell that reads the script." }
            .AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Print a script that completes commands and options.", "source <(pyresolve completion bash)",
            "pyresolve completion fish > ~/.config/fish/completions/pyresolve.fish")
        {
            Shell,
        };
        command.SetAction(parse =>
        {
            terminal.Exact(parse.GetRequiredValue(Shell) switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "fish" => Fish,
                _ => PowerShell,
            });
            return ExitCodes.Success;
        });
        return command;
    }
}
