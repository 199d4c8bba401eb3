using System.Text;

namespace PyResolve.Cli.Output;

/// <summary>Results go to standard output, everything else to standard error. Colours only on a terminal that supports them.</summary>
internal sealed class Terminal(
    TextWriter output, TextWriter error, TextReader input, bool colourOutput, bool colourError, bool isInteractive)
{
    private const string Red = "31";
    private const string Green = "32";
    private const string Yellow = "33";

    public TextWriter Output => output;

    public TextReader Input => input;

    public static Terminal System()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        if (Console.IsOutputRedirected || OperatingSystem.IsWindows())
            Console.OutputEncoding = utf8;
        var mayColour = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            && Environment.GetEnvironmentVariable("TERM") != "dumb";
        return new Terminal(
            Console.Out,
            Console.Error,
            Console.In,
            mayColour && !Console.IsOutputRedirected,
            mayColour && !Console.IsErrorRedirected,
            isInteractive: !Console.IsInputRedirected && !Console.IsErrorRedirected);
    }

    public void Line(string text = "") => output.WriteLine(text);

    public void Success(string text) => output.WriteLine($"{Paint("✓", Green, colourOutput)} {text}");

    public void Warning(string text) => error.WriteLine($"{Paint("!", Yellow, colourError)} {text}");

    public void Error(string cause, IEnumerable<string> next)
    {
        error.WriteLine($"{Paint("✗", Red, colourError)} {cause}");
        foreach (var line in next)
            error.WriteLine($"  {line}");
    }

    /// <summary>Asks without echo; <see langword="null"/> when there is no terminal to ask on.</summary>
    public async Task<string?> AskSecretAsync(string question, CancellationToken cancellationToken)
    {
        if (!isInteractive)
            return null;
        error.Write(question);
        try
        {
            return await Task.Run(ReadSecret, cancellationToken).WaitAsync(cancellationToken);
        }
        finally
        {
            error.WriteLine();
        }
    }

    private static string ReadSecret()
    {
        var secret = new StringBuilder();
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace && secret.Length > 0)
                secret.Length--;
            else if (!char.IsControl(key.KeyChar))
                secret.Append(key.KeyChar);
        }
        return secret.ToString();
    }

    private static string Paint(string text, string colour, bool isOn) => isOn ? $"\e[{colour}m{text}\e[0m" : text;
}
