using Microsoft.Extensions.DependencyInjection;
using Command = PyResolve.TestKit.Command;
using CommandResult = PyResolve.TestKit.CommandResult;

namespace PyResolve.Client.Tests.Network;

/// <summary>The program of the guide's first section, in a process of its own.</summary>
internal static class UpgradingProcess
{
    public const string Argument = "upgrade-once";
    public const string Hosted = "hosted";

    /// <summary>Runs it. The rest of the environment is this process's.</summary>
    /// <param name="server">The server's address.</param>
    /// <param name="home">Its <c>PYRESOLVE_HOME</c>.</param>
    /// <param name="environment">Variables of the network.</param>
    /// <param name="hosted">Whether a host builds the client, with a standard resilience handler around all HTTP clients.</param>
    /// <param name="wrapper">A program that runs it.</param>
    /// <param name="cancellationToken">Kills it.</param>
    public static Task<CommandResult> RunAsync(
        Uri server,
        string home,
        Dictionary<string, string?>? environment = null,
        bool hosted = false,
        IReadOnlyList<string>? wrapper = null,
        CancellationToken cancellationToken = default)
    {
        string[] command = [.. wrapper ?? [], Environment.ProcessPath!, Argument, server.AbsoluteUri, home, hosted ? Hosted : "alone"];
        var all = Clean();
        foreach (var (name, value) in environment ?? [])
            all[name] = value;
        return Command.RunAsync(command[0], command.Skip(1), all, cancellationToken: cancellationToken);
    }

    public static async Task<int> MainAsync(string[] args)
    {
        Environment.SetEnvironmentVariable("PYRESOLVE_API_URL", args[0]);
        Environment.SetEnvironmentVariable("PYRESOLVE_API_KEY", ScriptedServer.Key);
        Environment.SetEnvironmentVariable("PYRESOLVE_HOME", args[1]);
        if (args[2] != Hosted)
        {
            await using var pyresolve = PyResolveClient.Create();
            return await UpgradeAsync(pyresolve);
        }

        var services = new ServiceCollection();
        services.ConfigureHttpClientDefaults(static http => http.AddStandardResilienceHandler());
        services.AddPyResolveClient();
        await using var provider = services.BuildServiceProvider();
        return await UpgradeAsync(provider.GetRequiredService<PyResolveClient>());
    }

    private static async Task<int> UpgradeAsync(PyResolveClient pyresolve)
    {
        await using QuotaPermit permit = await pyresolve.Quota.AcquireAsync(new MigrationRequest("pydantic"));
        if (!permit.IsGranted)
        {
            await Console.Error.WriteLineAsync(permit.Denial.Message);
            return 3;
        }

        await permit.CompleteAsync(new MigrationOutcome { FilesChanged = 2 });
        Console.WriteLine($"2 files changed. {permit.Quota?.MigrationsRemaining} migrations left this month.");

        pyresolve.Usage.Report(new UsageEvent("scan") { Library = "pydantic" });
        await pyresolve.Usage.FlushAsync();
        return 0;
    }

    /// <summary>No proxy, in whatever form this machine names one.</summary>
    private static Dictionary<string, string?> Clean() =>
        new[] { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY" }
            .ToDictionary(static name => name, static string? (_) => null);
}
