using System.ComponentModel;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace PyResolve.TestKit;

/// <summary>
/// A program of another maker that serves on a loopback port, such as a reverse proxy or a connection pooler, with its configuration in a
/// temporary folder. It ends with this process at the latest. Not thread-safe.
/// </summary>
public sealed class LocalService : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly ProcessLog _log = new();
    private readonly Watchdog _watchdog;
    private Process? _process;

    /// <summary>Its folder is empty, and every user may read it: some programs change to another user when root starts them.</summary>
    public LocalService()
    {
        Folder = Directory.CreateTempSubdirectory("pyresolve-service-").FullName;
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
        _watchdog = new Watchdog(Folder);
    }

    /// <summary>For its configuration and what it writes; removed on disposal.</summary>
    public string Folder { get; }

    /// <summary>Free until the program takes it.</summary>
    public int Port { get; } = Loopback.FreePort();

    /// <summary>Starts the program, and waits until it accepts connections on <see cref="Port"/>.</summary>
    /// <param name="package">The package of Debian that has the program, for the message where it is missing.</param>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Must keep it in the foreground.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="InvalidOperationException">The program is missing, ended, or did not listen within 30 s.</exception>
    public async Task StartAsync(string package, string program, IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Find(program), arguments)
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = Folder;
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException($"This test needs {program}: apt-get install {package} (Debian, Ubuntu).", missing);
        }

        _watchdog.Guard(_process);
        _log.Follow(_process);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        while (!await AcceptsConnectionsAsync(deadline.Token))
        {
            if (_process.HasExited)
                throw new InvalidOperationException($"{program} ended instead of serving.\n{_log.Text}");
            await Task.Delay(TimeSpan.FromMilliseconds(20), deadline.Token);
        }
    }

    /// <summary>SIGKILL. The process has ended when this returns.</summary>
    public async Task KillAsync()
    {
        if (_process is null)
            return;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        _watchdog.Guard(null);
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(Folder, recursive: true);
        _watchdog.Dispose();
    }

    // Debian installs servers outside the PATH of ordinary users.
    private static string Find(string program) => Path.Combine("/usr/sbin", program) is var path && File.Exists(path) ? path : program;

    private async Task<bool> AcceptsConnectionsAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, Port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
