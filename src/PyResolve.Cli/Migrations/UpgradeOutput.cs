using PyResolve.Cli.Output;

namespace PyResolve.Cli.Migrations;

/// <summary>
/// What an upgrade says while it runs. Standard output has the text for people, or only the diff of a dry run, or only JSON: then
/// everything else goes to standard error.
/// </summary>
internal sealed class UpgradeOutput : IDisposable
{
    private readonly Terminal _terminal;
    private readonly TextWriter _result;
    private readonly Stream _standardOutput = StandardStreams.OpenOutput();
    private readonly Stream _standardError = StandardStreams.OpenError();

    /// <summary>For a program that asked for the upgrade, and that standard input and output belong to.</summary>
    /// <param name="result">Gets the result as JSON.</param>
    /// <param name="listener">Is told of the progress.</param>
    public UpgradeOutput(Terminal terminal, TextWriter result, bool isDryRun, Action<ProgressState> listener)
    {
        (_terminal, IsJson, IsDryRun, _result) = (terminal, true, isDryRun, result);
        Progress = new ProgressDisplay(terminal, ProgressStyle.Passed, TerminalSize.ErrorColumns, TimeProvider.System, listener);
    }

    public UpgradeOutput(Terminal terminal, bool isJson, bool isDryRun, bool showsProgress)
    {
        (_terminal, IsJson, IsDryRun, _result) = (terminal, isJson, isDryRun, terminal.Output);
        var style = isJson || !showsProgress ? ProgressStyle.None : terminal.CanRedraw ? ProgressStyle.Redrawn : ProgressStyle.Lines;
        Progress = new ProgressDisplay(terminal, style, TerminalSize.ErrorColumns, TimeProvider.System);
    }

    public bool IsJson { get; }

    public bool IsDryRun { get; }

    public ProgressDisplay Progress { get; }

    /// <summary>Whether the migrator's standard output passes through this program, instead of being this program's own.</summary>
    public bool RelaysOutput => IsJson || IsDryRun || Progress.IsRedrawn;

    public bool RelaysError => Progress.IsRedrawn;

    /// <summary>Whether the migrator may read this program's standard input.</summary>
    public bool SharesInput => ReferenceEquals(_result, _terminal.Output);

    public string Tick => _terminal.Tick;

    /// <summary>For people.</summary>
    public void Line(string text)
    {
        if (IsJson)
            return;
        Progress.Write(() =>
        {
            if (IsDryRun)
                _terminal.Note(text);
            else
                _terminal.Line(text);
        });
    }

    public void Success(string text)
    {
        if (IsDryRun)
            Line($"{_terminal.Tick} {text}");
        else if (!IsJson)
            Progress.Write(() => _terminal.Success(text));
    }

    public void Warning(string text) => Progress.Write(() => _terminal.Warning(text));

    public void Note(string text) => Progress.Write(() => _terminal.Note(text));

    /// <summary>The result, on standard output.</summary>
    public void Result(string text) => Progress.Write(() => _result.Write(text));

    public string Paint(string text, Colour colour) => _terminal.Paint(text, colour);

    public void PassOutput(ReadOnlySpan<byte> text) => Progress.Pass(IsJson || IsDryRun ? _standardError : _standardOutput, text);

    public void PassError(ReadOnlySpan<byte> text) => Progress.Pass(_standardError, text);

    public void Dispose()
    {
        Progress.Dispose();
        _standardOutput.Dispose();
        _standardError.Dispose();
    }
}
