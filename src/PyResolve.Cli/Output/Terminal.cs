using System.Text;

namespace PyResolve.Cli.Output;

/// <summary>Results go to standard output, everything else to standard error. Colours only on a terminal that supports them.</summary>
internal sealed class Terminal(
    TextWriter output, TextWriter error, Func<TextReader> openInput, bool colourOutput, bool colourError, bool isInteractive, bool isAscii,
    bool wrapsOutput = false, bool wrapsError = false)
{
    private const int LeastWidth = 40;
    private const int MostWidth = 120;

    public TextWriter Output => output;

    public TextWriter ErrorOutput => error;

    /// <summary>Opened by the first command that reads it.</summary>
    public TextReader Input => field ??= openInput();

    /// <summary>Whether a line on standard error can be replaced by another.</summary>
    public bool CanRedraw { get; init; }

    /// <summary>Whether a person can be asked. False after <c>--no-input</c>.</summary>
    public bool IsInteractive { get; set; } = isInteractive;

    /// <summary>Columns of the terminal, within reason; 80 where there is none.</summary>
    public int Width { get; } = Math.Clamp(TerminalSize.OutputColumns(), LeastWidth, MostWidth);

    public string Tick => isAscii ? "+" : "✓";

    public string Cross => isAscii ? "x" : "✗";

    public string Ellipsis => isAscii ? "..." : "…";

    public static Terminal System()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (!StandardStreams.HasOutputTerminal || OperatingSystem.IsWindows())
            Console.OutputEncoding = utf8;
        return new Terminal(
            new QuietWriter(StandardStreams.Output),
            new QuietWriter(StandardStreams.Error),
            static () => StandardStreams.HasInputTerminal && !OperatingSystem.IsWindows() ? new TypedLines() : StandardStreams.Input,
            HasColour(StandardStreams.HasOutputTerminal),
            HasColour(StandardStreams.HasErrorTerminal),
            isInteractive: StandardStreams.HasInputTerminal && StandardStreams.HasErrorTerminal,
            isAscii: IsAsciiTerminal(),
            wrapsOutput: StandardStreams.HasOutputTerminal,
            wrapsError: StandardStreams.HasErrorTerminal)
        {
            CanRedraw = StandardStreams.HasErrorTerminal && Environment.GetEnvironmentVariable("TERM") is not (null or "" or "dumb"),
        };
    }

    public void Line(string text = "") => Write(output, text, wrapsOutput);

    public void Success(string text) => Line($"{Paint(Tick, Colour.Green, colourOutput)} {text}");

    public void Warning(string text) => Note($"{Paint("!", Colour.Yellow, colourError)} {text}");

    /// <summary>Not part of the result: to standard error.</summary>
    public void Note(string text) => Write(error, text, wrapsError);

    /// <summary>For programs, or to be copied: never wrapped.</summary>
    public void Exact(string text) => output.WriteLine(text);

    public void ExactError(string text) => error.WriteLine(text);

    public void Error(string cause, IEnumerable<string> next)
    {
        Note($"{Paint(Cross, Colour.Red, colourError)} {cause}");
        foreach (var line in next)
            Note($"  {line}");
    }

    public string Paint(string text, Colour colour) => Paint(text, colour, colourOutput);

    /// <summary>A bar of 20 cells: <c>███████░░░░░░░░░░░░░</c>.</summary>
    public string Bar(long part, long whole, Colour colour)
    {
        const int Cells = 20;
        var filled = whole <= 0 ? Cells : (int)Math.Clamp((part * Cells + whole - 1) / whole, 0, Cells);
        var (full, empty) = isAscii ? ('#', '-') : ('█', '░');
        return Paint(new string(full, filled), colour, colourOutput) + new string(empty, Cells - filled);
    }

    /// <summary>Asks for a line; <see langword="null"/> when there is nobody to ask.</summary>
    public async Task<string?> AskAsync(string question, CancellationToken cancellationToken)
    {
        if (!IsInteractive)
            return null;
        error.Write(question);
        return await ReadAsync(Input.ReadLine, cancellationToken);
    }

    /// <summary>Asks without echo; <see langword="null"/> when there is nobody to ask.</summary>
    public async Task<string?> AskSecretAsync(string question, CancellationToken cancellationToken)
    {
        if (!IsInteractive)
            return null;
        using var hidden = new HiddenInput();
        error.Write(question);
        try
        {
            return await ReadAsync(() => HiddenInput.ReadLine(Input), cancellationToken);
        }
        finally
        {
            error.WriteLine();
        }
    }

    /// <summary>A terminal would break a line in the middle of a word.</summary>
    private void Write(TextWriter writer, string text, bool wraps)
    {
        if (!wraps)
        {
            writer.WriteLine(text);
            return;
        }

        // Addresses, names and the server's messages may have it.
        foreach (var line in (isAscii ? text.Replace("…", Ellipsis, StringComparison.Ordinal) : text).Split('\n'))
        {
            foreach (var part in TextWrap.Lines(line, Width, TextWrap.IndentOf(line)))
                writer.WriteLine(part);
        }
    }

    private static async Task<string?> ReadAsync(Func<string?> read, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(read, cancellationToken).WaitAsync(cancellationToken);
        }
        catch (IOException e)
        {
            // The terminal's window was closed. SIGHUP comes a moment later.
            throw new OperationCanceledException("The terminal was closed.", e, cancellationToken);
        }
    }

    private static string Paint(string text, Colour colour, bool isOn) => isOn && text.Length > 0 ? $"\e[{(int)colour}m{text}\e[0m" : text;

    /// <summary>NO_COLOR comes before FORCE_COLOR; both count only when they are not empty.</summary>
    private static bool HasColour(bool isTerminal)
    {
        if (IsSet("NO_COLOR"))
            return false;
        return IsSet("FORCE_COLOR") || (isTerminal && Environment.GetEnvironmentVariable("TERM") != "dumb");
    }

    /// <summary>A terminal whose locale is not UTF-8 shows other characters than ASCII as rubbish. A pipe gets UTF-8.</summary>
    private static bool IsAsciiTerminal()
    {
        if (OperatingSystem.IsWindows() || !StandardStreams.HasOutputTerminal)
            return false;
        string[] names = ["LC_ALL", "LC_CTYPE", "LANG"];
        var locale = names.Select(Environment.GetEnvironmentVariable).FirstOrDefault(static value => !string.IsNullOrEmpty(value));
        return locale is not null
            && !locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase)
            && !locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsSet(string name) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name));
}
