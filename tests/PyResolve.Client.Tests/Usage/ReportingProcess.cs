using System.Diagnostics;

namespace PyResolve.Client.Tests.Usage;

/// <summary>A tool that reports events and prints which were accepted, in a process that can be killed.</summary>
internal static class ReportingProcess
{
    public const string Command = "report-events";

    /// <summary>The exit code after SIGKILL; Windows has no signals.</summary>
    private static readonly int Killed = OperatingSystem.IsWindows() ? -1 : 128 + 9;

    /// <summary>Reports events, prints the id of each accepted one, and ends by disposing of its client.</summary>
    public static async Task<int> MainAsync(string[] args)
    {
        await using var client = PyResolveClient.Create(new()
        {
            ApiUrl = new(args[0]),
            ApiKey = ScriptedServer.Key,
            Home = args[1],
            RequestTimeout = TimeSpan.FromMilliseconds(200),
            OutboxCapacity = 1_000_000,
            OutboxBytes = 1024 * 1024 * 1024,
        });
        await using var output = new StreamWriter(Console.OpenStandardOutput());
        output.AutoFlush = true;
        for (var i = 0; i < int.Parse(args[2]); i++)
        {
            var result = client.Usage.Report(new("scan") { FilesChanged = i });
            if (!result.IsAccepted)
                throw new InvalidOperationException(result.Reason);
            await output.WriteLineAsync(result.EventId.ToString());
        }

        if (client.Usage.Warning is { } warning)
            await Console.Error.WriteLineAsync(warning);
        if (client.Usage.Pending < 0)
            throw new InvalidOperationException($"Pending is {client.Usage.Pending}.");
        return 0;
    }

    /// <summary>Starts it, and kills it once it has printed that many accepted events.</summary>
    /// <returns>The accepted events, and whether the kill ended the process.</returns>
    public static async Task<(IReadOnlyList<Guid> Accepted, bool WasKilled)> RunAsync(
        ScriptedServer server, int events, int? killAfter, CancellationToken cancellationToken)
    {
        var (accepted, wasKilled, _) = await RunAsync(server, events, killAfter, withoutLocks: false, cancellationToken);
        return (accepted, wasKilled);
    }

    /// <returns>Also what it wrote to standard error.</returns>
    public static async Task<(IReadOnlyList<Guid> Accepted, bool WasKilled, string Error)> RunAsync(
        ScriptedServer server, int events, int? killAfter, bool withoutLocks, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [Command, server.Url.AbsoluteUri, server.Home.Path, events.ToString()])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (withoutLocks)
            start.Environment["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        var accepted = new List<Guid>();
        if (killAfter == 0)
            process.Kill();
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            // An incomplete line is an event whose report did not return.
            if (Guid.TryParseExact(line, "D", out var id))
                accepted.Add(id);
            if (accepted.Count == killAfter)
                process.Kill();
        }

        await process.WaitForExitAsync(cancellationToken);
        var wasKilled = killAfter is not null && process.ExitCode == Killed;
        if (!wasKilled && process.ExitCode != 0)
            throw new InvalidOperationException(await errors);
        return (accepted, wasKilled, await errors);
    }
}
