using System.Diagnostics;

namespace PyResolve.Client.Tests.Leases;

/// <summary>A tool without a network that takes all permits it can get, in a process that can be killed.</summary>
internal static class SpendingProcess
{
    public const string Command = "spend-lease";

    /// <summary>Waits for a line, takes permits on several threads at once, prints each granted one, and completes it.</summary>
    public static async Task<int> MainAsync(string[] args)
    {
        var options = new PyResolveClientOptions
        {
            ApiUrl = new(args[0]), ApiKey = ScriptedServer.Key, Home = args[1], ShutdownTimeout = TimeSpan.Zero,
        };
        await using var client = OfflineClient.Create(options, TimeProvider.System);
        // The first permit detects that there is no network, before the measurement.
        (await client.Quota.AcquireAsync(new("pydantic"))).IsOffline.ShouldBeTrue();
        using var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        output.WriteLine("ready");
        Console.ReadLine();
        var turns = int.Parse(args[3]);
        await Task.WhenAll(Enumerable.Range(0, int.Parse(args[2])).Select(thread => Task.Run(async () =>
        {
            for (var turn = 0; turn < turns; turn++)
            {
                var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier2));
                if (!permit.IsGranted)
                    continue;
                output.WriteLine("granted");
                await permit.CompleteAsync(new());
            }
        })));
        return 0;
    }

    public static Task<Process> StartAsync(LeasingServer server, int threads, int turns = 1) =>
        StartAsync(Environment.ProcessPath!, Arguments(server, threads, turns));

    /// <summary>Starts it on a host of another name, as far as it can tell.</summary>
    /// <returns><see langword="null"/> where that is not possible.</returns>
    public static async Task<Process?> StartElsewhereAsync(LeasingServer server, string hostName, int threads)
    {
        try
        {
            using var attempt = Process.Start("unshare", ["--uts", "hostname", hostName]);
            await attempt.WaitForExitAsync();
            if (attempt.ExitCode != 0)
                return null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }

        string[] underOtherName = ["--uts", "sh", "-c", $"hostname {hostName} && exec \"$0\" \"$@\"", Environment.ProcessPath!];
        return await StartAsync("unshare", [.. underOtherName, .. Arguments(server, threads, turns: 1)]);
    }

    private static string[] Arguments(LeasingServer server, int threads, int turns) =>
        [Command, server.Script.Url.AbsoluteUri, server.Home.Path, threads.ToString(), turns.ToString()];

    private static async Task<Process> StartAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start)!;
        (await process.StandardOutput.ReadLineAsync()).ShouldBe("ready");
        return process;
    }

    /// <summary>Starts it, and kills it after that many grants.</summary>
    /// <returns>The number of permits that it has printed.</returns>
    public static async Task<int> RunAsync(Process process, int? killAfter = null)
    {
        using var _ = process;
        if (killAfter == 0)
            process.Kill();
        else
            await process.StandardInput.WriteLineAsync("go");
        var granted = 0;
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            // An incomplete line is a permit that was not returned.
            granted += line == "granted" ? 1 : 0;
            if (granted == killAfter)
                process.Kill();
        }

        await process.WaitForExitAsync();
        if (killAfter is null)
            process.ExitCode.ShouldBe(0);
        return granted;
    }
}
