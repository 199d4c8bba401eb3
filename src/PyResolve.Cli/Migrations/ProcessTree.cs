using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace PyResolve.Cli.Migrations;

/// <summary>A process and those that it has started, which outlive it when it ends first.</summary>
internal static partial class ProcessTree
{
    /// <summary>Sends a signal to one process. Does nothing where it has ended, or on Windows, which has no such signals.</summary>
    public static void Send(int processId, PosixSignal signal)
    {
        if (!OperatingSystem.IsWindows())
            _ = Kill(processId, Number(signal));
    }

    /// <summary>
    /// Whether the terminal sends the signal to every process of this program's group, so that the migrator gets it without being sent it.
    /// </summary>
    public static bool IsSentByTerminal(PosixSignal signal) =>
        OperatingSystem.IsWindows()
        || (signal is PosixSignal.SIGINT or PosixSignal.SIGQUIT && IsInForeground());

    /// <summary>The processes below a process, as far as the system tells: Linux does.</summary>
    public static IReadOnlyList<ProcessEntry> FindDescendants(int processId)
    {
        var byParent = ReadAll().ToLookup(static entry => entry.Parent);
        var found = new List<ProcessEntry>();
        var parents = new Queue<int>([processId]);
        while (parents.TryDequeue(out var parent))
        {
            foreach (var child in byParent[parent])
            {
                found.Add(child);
                parents.Enqueue(child.Id);
            }
        }
        return found;
    }

    /// <summary>Ends a process and all below it, without a chance to clean up.</summary>
    public static void KillAll(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception e) when (e is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has ended already, or one of its children belongs to another user.
        }
    }

    public static void SendAll(IEnumerable<ProcessEntry> processes, PosixSignal signal)
    {
        foreach (var entry in processes.Where(IsRunning))
            Send(entry.Id, signal);
    }

    public static bool IsAnyRunning(IEnumerable<ProcessEntry> processes) => processes.Any(IsRunning);

    /// <summary>Ends those processes that still run and are still the same, without a chance to clean up.</summary>
    public static void KillAll(IEnumerable<ProcessEntry> processes)
    {
        foreach (var entry in processes.Where(IsRunning))
            _ = Kill(entry.Id, 9);
    }

    /// <summary>Standard input may be something else than the terminal that controls this program.</summary>
    private static bool IsInForeground()
    {
        try
        {
            using var terminal = File.OpenHandle("/dev/tty", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return GetForegroundGroup(terminal) == GetGroup();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Its number may belong to another process by now, which then has another start time. A zombie has ended.</summary>
    private static bool IsRunning(ProcessEntry entry) =>
        Read(entry.Id) is { IsZombie: false } now && now.StartTicks == entry.StartTicks;

    private static IEnumerable<ProcessEntry> ReadAll() => !OperatingSystem.IsLinux() ? [] : Directory.EnumerateDirectories("/proc")
        .Select(static folder => Path.GetFileName(folder))
        .Select(static name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0)
        .Where(static id => id > 0)
        .Select(Read)
        .OfType<ProcessEntry>();

    private static ProcessEntry? Read(int processId)
    {
        try
        {
            var text = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/stat"));
            // The name, in parentheses, may contain spaces and parentheses itself. After it: state, parent, …, start time as the 20th.
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new ProcessEntry(
                processId,
                int.Parse(fields[1], CultureInfo.InvariantCulture),
                ulong.Parse(fields[19], CultureInfo.InvariantCulture),
                IsZombie: fields[0] == "Z");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    private static int Number(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGHUP => 1,
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        _ => 15,
    };

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int processId, int signal);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetGroup();

    [LibraryImport("libc", EntryPoint = "tcgetpgrp", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int GetForegroundGroup(SafeFileHandle terminal);
}

/// <param name="StartTicks">When it started, in clock ticks since the system did.</param>
internal sealed record ProcessEntry(int Id, int Parent, ulong StartTicks, bool IsZombie);
