using System.Diagnostics;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>The program of the guide's first five minutes, configured by its environment alone.</summary>
internal static class FiveMinutesProcess
{
    public const string Command = "five-minutes";

    public static async Task<int> MainAsync(string[] args)
    {
        await using var pyresolve = PyResolveClient.Create(
            args is [var prepaid] ? new() { PrepaidMigrations = int.Parse(prepaid) } : null);

        await using var permit = await pyresolve.Quota.AcquireAsync(new("pydantic"));
        if (!permit.IsGranted)
        {
            await Console.Error.WriteLineAsync(permit.Denial.Message);
            return 3;
        }

        await permit.CompleteAsync(new() { FilesChanged = 2 });
        Console.WriteLine($"2 files changed. {permit.Quota?.MigrationsRemaining} migrations left this month.");

        var report = pyresolve.Usage.Report(new("scan") { Library = "pydantic" });
        if (!report.IsAccepted)
            await Console.Error.WriteLineAsync(report.Reason);
        await pyresolve.Usage.FlushAsync();
        return 0;
    }

    /// <summary>Runs it with the server and its key in the environment.</summary>
    /// <param name="server">The server.</param>
    /// <param name="environment">Further variables; <see langword="null"/> removes one.</param>
    /// <param name="arguments">How many migrations to prepay, if any.</param>
    public static async Task<(int ExitCode, string Output, string Error, TimeSpan Took)> RunAsync(
        Uri server, Dictionary<string, string?> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Command, .. arguments])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PYRESOLVE_API_URL"] = server.AbsoluteUri;
        start.Environment["PYRESOLVE_API_KEY"] = ScriptedServer.Key;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, await output, await error, Stopwatch.GetElapsedTime(started));
    }
}
