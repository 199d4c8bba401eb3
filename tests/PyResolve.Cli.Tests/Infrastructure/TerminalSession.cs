using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>A program in a pseudo-terminal that is its controlling terminal, as a terminal emulator starts it. On Linux.</summary>
public sealed partial class TerminalSession : IAsyncDisposable
{
    private const int ReadAndWrite = 2;
    private const int NotControlling = 0x100;
    private const int CloseOnExec = 0x80000;
    private const short Readable = 1;

    // .NET writes this, which shows nothing, at any moment at which a child ends: also between two writes of the program.
    private const string KeypadMode = "\e[?1h\e=";

    // Opens the terminal as standard input, output and error, sets its size, and becomes a session that is controlled by it.
    private const string Script = """
        terminal=$1 columns=$2
        shift 2
        exec <"$terminal" >"$terminal" 2>"$terminal"
        stty rows 24 cols "$columns"
        exec setsid --ctty "$@"
        """;

    private readonly string _name;
    private readonly SafeFileHandle _master;
    private readonly Process _process;
    private readonly Task _reading;
    private readonly StringBuilder _written = new();
    private volatile bool _isClosed;

    private TerminalSession(string name, SafeFileHandle master, Process process)
    {
        _name = name;
        _master = master;
        _process = process;
        _reading = Task.Factory.StartNew(ReadAll, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What the program, and the terminal's echo, have written so far. Lines end with <c>\n</c>.</summary>
    public string Screen
    {
        get
        {
            lock (_written)
                return _written.ToString().Replace(KeypadMode, "", StringComparison.Ordinal).ReplaceLineEndings("\n");
        }
    }

    public static TerminalSession Start(
        string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, string folder, int columns)
    {
        var master = OpenMaster(ReadAndWrite | NotControlling | CloseOnExec);
        if (master.IsInvalid || Grant(master) != 0 || Unlock(master) != 0)
            throw new IOException($"No pseudo-terminal: error {Marshal.GetLastPInvokeError()}.");
        var name = $"/dev/pts/{ReadNumber(master)}";
        var width = columns.ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("/bin/sh", ["-c", Script, "sh", name, width, file, .. arguments])
        {
            WorkingDirectory = folder,
            UseShellExecute = false,
        };
        foreach (var (variable, value) in UsualEnvironment.Concat(environment))
            start.Environment[variable] = value;
        return new TerminalSession(name, master, Process.Start(start)!);
    }

    /// <summary>Types text, as it is: <c>\r</c> for the return key, <c>\x03</c> for Ctrl+C.</summary>
    public void Type(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (Write(_master, bytes, (nuint)bytes.Length) != bytes.Length)
            throw new IOException($"The pseudo-terminal takes no input: error {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>Whether the terminal shows what is typed, also after the program's end.</summary>
    public async Task<bool> IsEchoingAsync()
    {
        var settings = await Command.RunAsync("stty", ["-F", _name, "-a"], cancellationToken: TestContext.Current.CancellationToken);
        return settings.OrThrow("stty").Output.Split(' ', '\n', ';').Contains("echo");
    }

    /// <summary>Waits until the screen contains a text.</summary>
    public async Task ShowsAsync(string text)
    {
        try
        {
            await Eventually.IsTrueAsync(
                () => Screen.Contains(text, StringComparison.Ordinal), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"The terminal does not show '{text}', but:\n{Screen}", e);
        }
    }

    public async Task<TerminalResult> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await _reading.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        return new TerminalResult(_process.ExitCode, Screen);
    }

    /// <summary>Closes the terminal's window: the program gets SIGHUP, and can write nothing any more.</summary>
    public async Task<int> CloseAsync()
    {
        await CloseMasterAsync();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await CloseMasterAsync();
        _process.Dispose();
    }

    /// <summary>A usual terminal, whatever the one is that the tests run in.</summary>
    private static IEnumerable<KeyValuePair<string, string?>> UsualEnvironment =>
    [
        new("TERM", "xterm-256color"), new("LANG", "C.UTF-8"), new("LC_ALL", null), new("LC_CTYPE", null), new("NO_COLOR", null),
        new("FORCE_COLOR", null), new("COLUMNS", null), new("LINES", null), new("BROWSER", "none"),
    ];

    private static uint ReadNumber(SafeFileHandle master)
    {
        const nuint GetNumber = 0x80045430;
        return Control(master, GetNumber, out var number) == 0
            ? number
            : throw new IOException($"The pseudo-terminal has no number: error {Marshal.GetLastPInvokeError()}.");
    }

    /// <summary>A terminal that is being read stays open, so the reader ends first.</summary>
    private async Task CloseMasterAsync()
    {
        _isClosed = true;
        await _reading;
        _master.Dispose();
    }

    /// <summary>Ends when no program has the terminal open any more, or when its window is closed.</summary>
    private void ReadAll()
    {
        var decoder = Encoding.UTF8.GetDecoder();
        var bytes = new byte[4096];
        var characters = new char[4096];
        while (!_isClosed)
        {
            var wanted = new PollRequest { File = (int)_master.DangerousGetHandle(), Events = Readable };
            if (Poll(ref wanted, count: 1, milliseconds: 20) <= 0)
                continue;
            var count = Read(_master, bytes, (nuint)bytes.Length);
            if (count <= 0)
                return;
            var length = decoder.GetChars(bytes.AsSpan(0, (int)count), characters, flush: false);
            lock (_written)
                _written.Append(characters, 0, length);
        }
    }

    [LibraryImport("libc", EntryPoint = "posix_openpt", SetLastError = true)]
    private static partial SafeFileHandle OpenMaster(int flags);

    [LibraryImport("libc", EntryPoint = "grantpt", SetLastError = true)]
    private static partial int Grant(SafeFileHandle master);

    [LibraryImport("libc", EntryPoint = "unlockpt", SetLastError = true)]
    private static partial int Unlock(SafeFileHandle master);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(SafeFileHandle master, nuint request, out uint number);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle master, [Out] byte[] bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle master, byte[] bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll(ref PollRequest request, nuint count, int milliseconds);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int File;
        public short Events;
        public short Happened;
    }
}

/// <summary>How a program in a terminal ended, and all that it wrote.</summary>
public sealed partial record TerminalResult(int ExitCode, string Screen)
{
    /// <summary>What a person reads: without colours, and without what sets up the keyboard.</summary>
    public string Text => Sequence.Replace(Screen, "");

    public IReadOnlyList<string> Lines => Text.Split('\n');

    [GeneratedRegex("\e(\\[[0-9;?]*[A-Za-z]|[=>])", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Sequence { get; }
}
