using System.Diagnostics;
using System.Text;

namespace PyResolve.TestKit;

/// <summary>What a process writes to its standard output and error, in the order it arrives, across restarts. Thread-safe.</summary>
internal sealed class ProcessLog
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();

    public string Text
    {
        get
        {
            lock (_gate)
                return _text.ToString();
        }
    }

    public void Follow(Process process)
    {
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private void Append(object sender, DataReceivedEventArgs received)
    {
        if (received.Data is null)
            return;
        lock (_gate)
            _text.AppendLine(received.Data);
    }
}
