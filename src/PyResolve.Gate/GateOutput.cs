using System.Text;
using PyResolve.MSBuild;

namespace PyResolve.Gate;

/// <summary>Tells the task what to log, and remembers the diagnostics. Thread-safe.</summary>
internal sealed class GateOutput : IDisposable
{
    private readonly object _lock = new();
    private readonly List<GateFinding> _findings = [];
    private readonly StreamWriter _writer = new(
        Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };

    public IReadOnlyList<GateFinding> Findings => _findings;

    public bool HasErrors => _findings.Exists(static finding => finding.Diagnostic.Level == GateLevel.Error);

    /// <summary>A line of the build's log.</summary>
    public void Message(string text) => Write(GateLine.Log, "message", "", text);

    /// <summary>A line that is shown from the normal verbosity on.</summary>
    public void Detail(string text) => Write(GateLine.Log, "detail", "", text);

    /// <param name="text">The particulars, as one or more sentences.</param>
    public void Report(GateDiagnostic diagnostic, string text)
    {
        lock (_lock)
            _findings.Add(new GateFinding(diagnostic, text));
        Write(GateLine.Log, "diagnostic", diagnostic.Code, text);
    }

    /// <param name="remembered">What to say again while nothing changes.</param>
    public void End(bool isPassed, string remembered = "") => Write(GateLine.End, isPassed ? "passed" : "failed", remembered);

    public void Dispose() => _writer.Dispose();

    private void Write(params string[] words)
    {
        lock (_lock)
        {
            try
            {
                _writer.WriteLine(GateLine.Join(words));
            }
            catch (IOException)
            {
                // The build is gone. What is held is given back all the same.
            }
        }
    }
}

internal sealed record GateFinding(GateDiagnostic Diagnostic, string Text);
