using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using PyResolve.Cli.Migrations;

namespace PyResolve.Server.Migrations;

/// <summary>Runs a migrator within its bounds. Whatever it started has ended when this returns.</summary>
internal sealed partial class MigratorRunner(
    MigrationOptions options, MigratorSandbox sandbox, MigratorLauncher launcher, ILogger<MigratorRunner> log)
{
    private const int LooksPerFolder = 5;

    /// <summary>The time between SIGTERM and SIGKILL.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(2);

    /// <returns>Why it failed; null: it ended well.</returns>
    /// <exception cref="OperationCanceledException">It was stopped.</exception>
    public async Task<string?> RunAsync(
        RunFolder folder, IReadOnlyList<string> command, MigrationInput input, MigrationLog output, MigratorReport report,
        CancellationToken cancellationToken)
    {
        if (!sandbox.IsSafe)
            return "the server runs as root, and lacks the program setpriv, which gives root up";
        if (Fill(command, folder, input) is not { } words)
            return $"there is no program {command[0]} on the server";
        var processes = new RunProcesses(RunFolders.MarkOf(folder.Path), folder.UserId);
        StartedMigrator started;
        try
        {
            started = await launcher.StartAsync(sandbox.Describe(folder, words, input.Tier), folder.UserId, cancellationToken);
        }
        catch (Win32Exception exception)
        {
            Log.NotStarted(log, exception, words[0]);
            return "it could not be started";
        }

        using (started)
        {
            processes.Leader = started.Process.Id;
            Task[] readers =
            [
                MigratorMessages.ReadAsync(started.Channel, report.Take, report.Ignore),
                output.ReadAsync(started.Process.StandardOutput.BaseStream),
                output.ReadAsync(started.Process.StandardError.BaseStream),
            ];
            string? failure;
            try
            {
                failure = await WatchAsync(started.Process, processes, folder, output, cancellationToken);
            }
            finally
            {
                if (!await processes.KillAsync())
                    Log.NotEnded(log, folder.Path);
                await Task.WhenAny(Task.WhenAll(readers), Task.Delay(DrainTime, CancellationToken.None));
            }

            return failure ?? (started.Process.ExitCode == 0
                ? null
                : string.Create(CultureInfo.InvariantCulture, $"it ended with the code {started.Process.ExitCode}"));
        }
    }

    private async Task<string?> WatchAsync(
        Process process, RunProcesses processes, RunFolder folder, MigrationLog output, CancellationToken cancellationToken)
    {
        using var ended = new CancellationTokenSource();
        var exit = process.WaitForExitAsync(ended.Token);
        var since = Stopwatch.GetTimestamp();
        try
        {
            for (var look = 1; !exit.IsCompleted; look++)
            {
                await Task.WhenAny(exit, Task.Delay(LookInterval, cancellationToken));
                if (exit.IsCompleted)
                    break;
                if (cancellationToken.IsCancellationRequested || Stopwatch.GetElapsedTime(since) > options.TimeLimit)
                {
                    await StopAsync(exit, processes);
                    cancellationToken.ThrowIfCancellationRequested();
                    return string.Create(CultureInfo.InvariantCulture, $"it ran longer than {options.TimeLimit.TotalSeconds} seconds");
                }

                if (FindExcess(processes, folder, output, look) is { } excess)
                    return excess;
            }

            return output.HasOverflowed ? TooMuchOutput() : null;
        }
        finally
        {
            await ended.CancelAsync();
        }
    }

    private static async Task StopAsync(Task exit, RunProcesses processes)
    {
        processes.Terminate();
        await Task.WhenAny(exit, Task.Delay(Grace, CancellationToken.None));
    }

    private string? FindExcess(RunProcesses processes, RunFolder folder, MigrationLog output, int look)
    {
        if (output.HasOverflowed)
            return TooMuchOutput();
        var (count, bytes) = processes.Measure();
        if (count > options.Processes)
            return string.Create(CultureInfo.InvariantCulture, $"it started more than {options.Processes} processes");
        if (bytes > options.MemoryMegabytes * 1024L * 1024)
            return string.Create(CultureInfo.InvariantCulture, $"it used more than {options.MemoryMegabytes} MB of memory");
        return look % LooksPerFolder == 0 && folder.HoldsMoreThan(options.DiskMegabytes * 1024L * 1024)
            ? string.Create(CultureInfo.InvariantCulture, $"it wrote more than {options.DiskMegabytes} MB or too many files")
            : null;
    }

    private string TooMuchOutput() => string.Create(CultureInfo.InvariantCulture, $"it printed more than {options.OutputBytes / 1024} KB");

    /// <summary>Replaces the placeholders of a command's words, in one pass: no value becomes several words.</summary>
    private static IReadOnlyList<string>? Fill(IReadOnlyList<string> command, RunFolder folder, MigrationInput input)
    {
        if (command[0] == BuiltinMigrator.Name)
            return BuiltinMigrator.GetWords(folder.Code);
        if (Programs.Find(command[0]) is not { } program)
            return null;
        (string Name, string Value)[] values =
            [("{path}", folder.Code), ("{library}", input.Library), ("{target}", input.Target), ("{tier}", input.Tier)];
        return [program, .. command.Skip(1).Select(word => CommandWords.Fill(word, values))];
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The migrator {Program} could not be started.")]
        public static partial void NotStarted(ILogger log, Exception exception, string program);

        [LoggerMessage(LogLevel.Error, "Processes of the migration in {Folder} could not be ended.")]
        public static partial void NotEnded(ILogger log, string folder);
    }
}
