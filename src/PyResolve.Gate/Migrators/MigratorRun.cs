using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using PyResolve.Cli.Migrations;
using PyResolve.Client;
using PyResolve.Migrators.Protocol;
using PyResolve.MSBuild;

namespace PyResolve.Gate.Migrators;

/// <summary>A migrator while it runs. What it prints goes to the build's log.</summary>
internal sealed class MigratorRun(MigratorCommand command, GateMigration migration, string workingDirectory, GateOutput output)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly MigratorReport _report = new(output);

    /// <returns>What it did; <see langword="null"/> when it failed, which is reported.</returns>
    /// <exception cref="OperationCanceledException">The build was stopped. The migrator has ended.</exception>
    public async Task<MigrationOutcome?> RunAsync(CancellationToken stop)
    {
        output.Detail($"PyResolve: {command}");
        var before = FolderSnapshot.Take(command.Path, FileSelection.All, stop);
        if (await RunProcessAsync(stop) is not { } exitCode)
            return null;
        var changed = before.ChangesTo(FolderSnapshot.Take(command.Path, FileSelection.All, CancellationToken.None)).Total;
        if (exitCode == 0)
            return new MigrationOutcome { FilesChanged = changed, TokensUsed = _report.TokensUsed };
        output.Report(
            GateDiagnostics.MigratorFailed,
            $"The migrator of {migration} failed with exit code {exitCode}, and nothing is charged. Files changed by then: {changed}.");
        return null;
    }

    private async Task<int?> RunProcessAsync(CancellationToken stop)
    {
        using var inbox = MigratorInbox.Create();
        using var process = new Process { StartInfo = Describe(inbox) };
        process.OutputDataReceived += (_, line) => Pass(line.Data);
        process.ErrorDataReceived += (_, line) => Pass(line.Data);
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            output.Report(GateDiagnostics.MigratorFailed, $"{command.Words[0]} could not be started: {e.Message}.");
            return null;
        }

        // It may wait for input, and has none.
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        inbox.StartReading(_report);
        try
        {
            await process.WaitForExitAsync(stop);
        }
        catch (OperationCanceledException)
        {
            await StopAsync(process);
            throw;
        }
        finally
        {
            await inbox.DrainAsync();
        }
        return process.ExitCode;
    }

    private ProcessStartInfo Describe(MigratorInbox inbox)
    {
        var start = new ProcessStartInfo(command.Words[0], command.Words.Skip(1))
        {
            UseShellExecute = false,
            WorkingDirectory = workingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // The migrator has no use for the key.
        start.Environment.Remove(ApiKeyStore.ApiKeyVariable);
        start.Environment.TryAdd("PYTHONUNBUFFERED", "1");
        inbox.Announce(start, FileSelection.All);
        return start;
    }

    private static async Task StopAsync(Process process)
    {
        // A shell script that ends at the signal would leave the program that it has started without one.
        var descendants = ProcessTree.FindDescendants(process.Id);
        ProcessTree.Send(process.Id, PosixSignal.SIGTERM);
        ProcessTree.SendAll(descendants, PosixSignal.SIGTERM);
        using var limit = new CancellationTokenSource(Grace);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            ProcessTree.KillAll(process);
            await process.WaitForExitAsync(CancellationToken.None);
        }
        ProcessTree.KillAll(descendants);
    }

    private void Pass(string? line)
    {
        if (line is { Length: > 0 })
            output.Message($"  {PlainText.Of(line)}");
    }
}
