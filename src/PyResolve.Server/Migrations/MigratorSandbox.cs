using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Migrations;

/// <summary>
/// Starts a migrator in a session of its own, with limits, without the server's environment and privileges, and with bubblewrap where it
/// works. Each of these is a program in front of the migrator's; one that is missing is left out.
/// </summary>
internal sealed partial class MigratorSandbox(MigrationOptions options, ILogger<MigratorSandbox> log)
{
    private const long Megabyte = 1024 * 1024;

    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(10);

    private readonly string? _setsid = Programs.Find("setsid");
    private readonly string? _prlimit = Programs.Find("prlimit");
    private readonly string? _setpriv = Programs.Find("setpriv");
    private readonly string? _bubblewrap = options.UsesBubblewrap ? Programs.Find("bwrap") : null;

    private bool? _bubblewrapWorks;

    /// <summary>Whether a migrator may be started: not as root without a program that gives root up.</summary>
    public bool IsSafe => !NativeFiles.IsRoot || _setpriv is not null;

    public ProcessStartInfo Describe(RunFolder folder, IReadOnlyList<string> command, string tier)
    {
        List<string> words =
        [
            .. _setsid is null ? [] : (string[])[_setsid],
            .. Limits(folder.UserId is not null),
            .. Privileges(folder.UserId),
            .. options.Wrapper,
            .. Bubblewrap(folder, isOnline: tier != "tier1"),
            .. command,
        ];
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = folder.Code,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var variables = start.Environment;
        variables.Clear();
        variables["PATH"] = Programs.SearchPath;
        variables["HOME"] = folder.Home;
        variables["TMPDIR"] = folder.Temporary;
        variables["LANG"] = "C.UTF-8";
        variables["PYTHONUNBUFFERED"] = "1";
        variables["PYTHONDONTWRITEBYTECODE"] = "1";
        // For migrators that run on .NET: its diagnostics leave sockets behind.
        variables["DOTNET_EnableDiagnostics"] = "0";
        if (Environment.GetEnvironmentVariable("DOTNET_ROOT") is { } runtime)
            variables["DOTNET_ROOT"] = runtime;
        foreach (var (name, value) in options.Variables)
            variables[name] = value;
        var mark = RunFolders.MarkOf(folder.Path).Split('=');
        variables[mark[0]] = mark[1];
        return start;
    }

    private string[] Limits(bool hasOwnUser)
    {
        if (_prlimit is null)
            return [];
        // The limit counts the threads of the user, whose others are the server's own where the run shares its user.
        var threads = options.Processes + (hasOwnUser ? 0 : RunProcesses.CountThreadsOfUser());
        return
        [
            _prlimit,
            string.Create(CultureInfo.InvariantCulture, $"--data={options.MemoryMegabytes * Megabyte}"),
            string.Create(CultureInfo.InvariantCulture, $"--fsize={options.DiskMegabytes * Megabyte}"),
            string.Create(CultureInfo.InvariantCulture, $"--nproc={threads}"),
            "--core=0",
        ];
    }

    private string[] Privileges(int? userId)
    {
        if (_setpriv is null)
            return [];
        string[] always = [_setpriv, "--no-new-privs", "--pdeathsig", "KILL"];
        return userId is not { } id
            ? always
            :
            [
                .. always,
                string.Create(CultureInfo.InvariantCulture, $"--reuid={id}"),
                string.Create(CultureInfo.InvariantCulture, $"--regid={id}"),
                "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
            ];
    }

    private string[] Bubblewrap(RunFolder folder, bool isOnline)
    {
        if (_bubblewrap is null || !(_bubblewrapWorks ??= Probe(folder)))
            return [];
        string[] hidden = folder.UserId is null ? [.. options.HiddenFolders.Where(Directory.Exists)] : [];
        return
        [
            _bubblewrap, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
            .. isOnline ? [] : (string[])["--unshare-net"],
            "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp",
            .. hidden.SelectMany(static path => (string[])["--tmpfs", path]),
            "--bind", folder.Path, folder.Path, "--chdir", folder.Code, "--",
        ];
    }

    /// <summary>Tries whether bubblewrap works: it needs namespaces, which many containers forbid.</summary>
    private bool Probe(RunFolder folder)
    {
        string[] words =
        [
            .. Privileges(folder.UserId),
            _bubblewrap!, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--",
            Programs.Find("true") ?? "true",
        ];
        var start = new ProcessStartInfo(words[0], words.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Clear();
        using var process = Process.Start(start)!;
        var works = process.WaitForExit(ProbeTime) && process.ExitCode == 0;
        if (!works)
            Log.NoBubblewrap(log);
        return works;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "bwrap is installed but does not work here; migrations run without it.")]
        public static partial void NoBubblewrap(ILogger log);
    }
}
