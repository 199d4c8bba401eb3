using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

internal sealed class Migrator
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly IReadOnlyList<string> _words;

    private Migrator(IReadOnlyList<string> words) => _words = words;

    /// <summary>Replaces <c>{path}</c>, <c>{library}</c>, <c>{target}</c> after splitting: no value becomes several words.</summary>
    public static Migrator Create(string command, string origin, string path, string library, string target)
    {
        IReadOnlyList<string> words;
        try
        {
            words = CommandWords.Split(command);
        }
        catch (FormatException e)
        {
            throw CliException.Usage($"The migrator's command cannot be read: {e.Message}.", $"Fix it in {origin}: {command}");
        }
        if (words is [] or ["", ..])
            throw CliException.Usage("The migrator's command is empty.", $"Write one in {origin}, as: mytool --rewrite {{path}}");

        return new Migrator([ProgramPath(words[0]), .. words.Skip(1).Select(w => Fill(w, path, library, target))]);
    }

    public override string ToString() => CommandWords.Join(_words);

    /// <summary>
    /// Returns the exit code. The first signal is passed on to the program, which then has <paramref name="grace"/> to end by itself; after
    /// that time, or at a second signal, it is killed. What it started and left running is killed too.
    /// </summary>
    /// <exception cref="OperationCanceledException">A signal asked to stop. The program has ended.</exception>
    public async Task<int> RunAsync(StopSignals signals, TimeSpan grace)
    {
        var start = new ProcessStartInfo(_words[0]) { UseShellExecute = false };
        foreach (var argument in _words.Skip(1))
            start.ArgumentList.Add(argument);
        // The migrator has no use for the key.
        start.Environment.Remove(ApiKeyStore.ApiKeyVariable);

        using var process = new Process { StartInfo = start };
        signals.Requested.ThrowIfCancellationRequested();
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw CannotStart(Cause(e));
        }

        try
        {
            await process.WaitForExitAsync(signals.Requested);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(process, signals, grace);
            throw;
        }
        return process.ExitCode;
    }

    private static async Task StopAsync(Process process, StopSignals signals, TimeSpan grace)
    {
        // A shell script that ends at the signal would leave the program that it has started without one.
        var descendants = ProcessTree.FindDescendants(process.Id);
        if (signals.Received is { } signal && !ProcessTree.IsSentByTerminal(signal))
        {
            ProcessTree.Send(process.Id, signal);
            ProcessTree.SendAll(descendants, signal);
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(signals.Repeated);
        patience.CancelAfter(grace);
        try
        {
            await process.WaitForExitAsync(patience.Token);
            while (ProcessTree.IsAnyRunning(descendants))
                await Task.Delay(Pause, patience.Token);
        }
        catch (OperationCanceledException)
        {
            ProcessTree.KillAll(process);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        ProcessTree.KillAll(descendants);
    }

    /// <summary>A bare name is looked up only on the PATH: the runtime would look in the current folder first.</summary>
    private static string ProgramPath(string program)
    {
        if (OperatingSystem.IsWindows() || program.Contains('/', StringComparison.Ordinal))
            return program;
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return folders.Where(Path.IsPathRooted).Select(f => Path.Combine(f, program)).FirstOrDefault(IsExecutable)
            ?? throw CannotStart($"there is no program {program} on the PATH");
    }

    private static bool IsExecutable(string path)
    {
        const UnixFileMode Execute = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return !OperatingSystem.IsWindows() && File.Exists(path) && (File.GetUnixFileMode(path) & Execute) != UnixFileMode.None;
    }

    /// <summary>One pass over the word, so that a value that looks like a placeholder is not replaced again.</summary>
    private static string Fill(string word, string path, string library, string target)
    {
        (string Name, string Value)[] values = [("{path}", path), ("{library}", library), ("{target}", target)];
        var filled = new StringBuilder();
        for (var i = 0; i < word.Length;)
        {
            var (name, value) = Array.Find(values, v => word.AsSpan(i).StartsWith(v.Name, StringComparison.Ordinal));
            filled.Append(name is null ? word.AsSpan(i, 1) : value);
            i += name?.Length ?? 1;
        }
        return filled.ToString();
    }

    private static CliException CannotStart(string cause) =>
        new(ExitCodes.Failure, $"The migrator could not be started: {cause}.", "Install it, or give its full path.");

    private string Cause(Win32Exception exception) => exception.NativeErrorCode switch
    {
        2 => $"there is no program {_words[0]}",
        5 or 13 => $"{_words[0]} may not be run",
        _ => exception.Message,
    };
}
