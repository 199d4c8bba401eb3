namespace Tour;

/// <summary>Prints the tour: numbered steps, commands, and their indented output.</summary>
internal sealed class Narrator
{
    private const string Bold = "1";
    private const string Dim = "2";
    private const string Red = "31";
    private const string Green = "32";

    private readonly bool _isColoured = !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    private readonly Lock _gate = new();
    private int _step;

    public string Title { get; private set; } = "Start";

    public void Step(string title)
    {
        Title = $"{++_step}. {title}";
        Write("");
        Write(Paint(Title, Bold));
    }

    public void Say(string text = "") => Write(text.Length == 0 ? "" : $"   {text}");

    public void Command(string command) => Write($"   {Paint("$", Green)} {Paint(command, Bold)}");

    public void Output(string line) => Write($"     {line}".TrimEnd());

    public void Diff(IEnumerable<string> lines)
    {
        foreach (var line in lines)
            Output(line.StartsWith('-') ? Paint(line, Red) : line.StartsWith('+') ? Paint(line, Green) : Paint(line, Dim));
    }

    /// <summary>Standard output and standard error of a command arrive on different threads.</summary>
    private void Write(string line)
    {
        lock (_gate)
            Console.WriteLine(line);
    }

    private string Paint(string text, string colour) => _isColoured ? $"\e[{colour}m{text}\e[0m" : text;
}
