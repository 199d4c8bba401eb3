using System.ComponentModel;
using System.Diagnostics;
using PyResolve.Cli.Base;
using PyResolve.Client;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>A migrator while it runs.</summary>
internal sealed class MigratorProcess(Migrator migrator, FileSelection selection, UpgradeOutput output)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>What it has reported, and still does while it runs.</summary>
    public MigratorReport Report { get; } = new(output);

    /// <summary>
    /// Returns the exit code. The first signal is passed on to the program, which then has <paramref name="grace"/> to end by itself; after
    /// that time, or at a second signal, it is killed. What it started and left running is killed too.
    /// </summary>
    /// <param name="workingDirectory">Default: this program's own.</param>
    /// <exception cref="OperationCanceledException">A signal asked to stop. The program has ended.</exception>
    public async Task<int> RunAsync(StopSignals signals, TimeSpan grace, string? workingDirectory = null)
    {
        using var inbox = MigratorInbox.Create();
        using var process = new Process { StartInfo = Describe(inbox, workingDirectory) };
        signals.Requested.ThrowIfCancellationRequested();
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            throw Migrator.CannotStart(Cause(e));
        }

        if (!output.SharesInput)
            process.StandardInput.Close();
        inbox.StartReading(Report);
        output.Progress.Start(ProgressState.Upgrading);
        var relays = StartRelays(process);
        try
        {
            await process.WaitForExitAsync(signals.Requested);
        }
        catch (OperationCanceledException)
        {
            output.Progress.Start("Stopping");
            await StopAsync(process, signals, grace);
            throw;
        }
        finally
        {
            await inbox.DrainAsync();
            await OutputRelay.DrainAsync(relays);
            output.Progress.Stop();
        }
        return process.ExitCode;
    }

    private ProcessStartInfo Describe(MigratorInbox inbox, string? workingDirectory)
    {
        var start = new ProcessStartInfo(migrator.Words[0], migrator.Words.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = workingDirectory ?? "",
            RedirectStandardInput = !output.SharesInput,
            RedirectStandardOutput = output.RelaysOutput,
            RedirectStandardError = output.RelaysError,
        };
        // The migrator has no use for the key.
        start.Environment.Remove(ApiKeyStore.ApiKeyVariable);
        // Python keeps back what it prints to a pipe.
        if (output.RelaysOutput)
            start.Environment.TryAdd("PYTHONUNBUFFERED", "1");
        inbox.Announce(start, selection);
        return start;
    }

    private List<Task> StartRelays(Process process)
    {
        var relays = new List<Task>();
        if (output.RelaysOutput)
            relays.Add(OutputRelay.Start(process.StandardOutput.BaseStream, output.PassOutput));
        if (output.RelaysError)
            relays.Add(OutputRelay.Start(process.StandardError.BaseStream, output.PassError));
        return relays;
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

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(signals.Repeated);
        limit.CancelAfter(grace);
        try
        {
            await process.WaitForExitAsync(limit.Token);
            while (ProcessTree.IsAnyRunning(descendants))
                await Task.Delay(Pause, limit.Token);
        }
        catch (OperationCanceledException)
        {
            ProcessTree.KillAll(process);
            await process.WaitForExitAsync(CancellationToken.None);
        }

        ProcessTree.KillAll(descendants);
    }

    private string Cause(Win32Exception exception) => exception.NativeErrorCode switch
    {
        2 => $"there is no program {migrator.Words[0]}",
        5 or 13 => $"{migrator.Words[0]} may not be run",
        _ => exception.Message,
    };
}
