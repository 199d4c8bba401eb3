using System.Diagnostics;
using System.Globalization;

namespace PyResolve.TestKit;

/// <summary>
/// Ends a child process and removes a folder when this process has ended for any reason: a small shell waits for the end of a pipe that
/// closes with this process.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    // The interrupt of a terminal reaches the shell too, which has then still to do its work. Where no child is guarded, one that fills the
    // folder may be running (initdb), and is given the time to end.
    private const string Script = """
        trap '' HUP INT TERM
        exec >/dev/null 2>&1
        child=
        while read -r line; do child=$line; done
        if [ -n "$child" ]; then
          kill -QUIT "$child" && sleep 1 && kill -KILL "$child"
        else
          sleep 5
        fi
        rm -rf -- "$1"
        """;

    private readonly Process _shell;

    /// <param name="folder">Removed when this process ends before <see cref="Dispose"/>.</param>
    public Watchdog(string folder)
    {
        _shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Script, "watchdog", folder])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        })!;
        _shell.StandardInput.AutoFlush = true;
    }

    /// <summary>The child to be ended: SIGQUIT, and a second later SIGKILL. Null: none, from now on.</summary>
    public void Guard(Process? child) => _shell.StandardInput.WriteLine(child?.Id.ToString(CultureInfo.InvariantCulture));

    /// <summary>Stops the watchdog.</summary>
    public void Dispose()
    {
        _shell.Kill();
        _shell.WaitForExit();
        _shell.Dispose();
    }
}
