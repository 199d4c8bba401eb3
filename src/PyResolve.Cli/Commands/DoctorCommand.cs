using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Checks what has to work, one thing after another, and says what to do about each that does not.</summary>
internal static class DoctorCommand
{
    public const string CommandName = "doctor";

    private const string Ok = "ok";
    private const string Caution = "warning";
    private const string Failed = "failed";

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Check configuration, server and key, and say what to fix.", "pyresolve doctor", "pyresolve doctor --json")
        {
            GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) =>
            RunAsync(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(GlobalOptions.Json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, string? profile, bool isJson, CancellationToken cancellationToken)
    {
        var checks = new List<DoctorFinding> { CheckConfiguration(profile), CheckFolder(profile), CheckProxy() };
        if (checks[0].Status != Failed)
        {
            await using var client = ClientFactory.Create(profile);
            checks.AddRange(await CheckServersAsync(client, profile, cancellationToken));
            checks.Add(await CheckAsync("key", () => DescribeKeyAsync(client, profile, cancellationToken), profile));
            await WaitingUsage.SendAsync(client, cancellationToken);
            checks.Add(CheckWaiting(client));
        }

        var isFine = checks.TrueForAll(static check => check.Status != Failed);
        if (isJson)
            terminal.Exact(CliJson.Write(new DoctorReport(isFine, checks)));
        else
            Show(terminal, checks);
        return isFine ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static void Show(Terminal terminal, List<DoctorFinding> checks)
    {
        foreach (var check in checks)
        {
            var mark = check.Status switch
            {
                Ok => terminal.Paint(terminal.Tick, Colour.Green),
                Caution => terminal.Paint("!", Colour.Yellow),
                _ => terminal.Paint(terminal.Cross, Colour.Red),
            };
            terminal.Line($"{mark} {check.Name}: {check.Detail}");
            if (check.Fix is { } fix)
                terminal.Line($"    {fix}");
        }
    }

    private static DoctorFinding CheckConfiguration(string? profile)
    {
        try
        {
            var keys = new ApiKeyStore(profile: profile);
            var current = keys.FindProfile();
            _ = keys.FindApiUrl();
            if (keys.Warning is { } warning)
                return new("configuration", Caution, warning, Fix: null);
            var name = current is null ? "" : $", profile {current}";
            return new("configuration", Ok, File.Exists(keys.ConfigPath) ? keys.ConfigPath + name : $"no {keys.ConfigPath}", Fix: null);
        }
        catch (PyResolveException e)
        {
            return Describe("configuration", Failures.Describe(e, profile));
        }
    }

    /// <summary>Usage that cannot be sent at once, and leases, are kept in files there.</summary>
    private static DoctorFinding CheckFolder(string? profile)
    {
        var home = new ApiKeyStore(profile: profile).Home;
        try
        {
            if (!Directory.Exists(home))
                return new("folder", Ok, $"{home} does not exist yet; it is made when it is needed", Fix: null);
            var probe = Path.Combine(home, $"doctor-{Environment.ProcessId}");
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
            {
            }
            return new("folder", Ok, $"{home} can be written", Fix: null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new(
                "folder", Failed, $"{home} cannot be written: {e.Message}",
                "Without it nothing works offline. Give PYRESOLVE_HOME a folder that can be written.");
        }
    }

    private static DoctorFinding CheckProxy()
    {
        string[] names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        var set = names.Where(static name => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(name))).ToList();
        return new("proxy", Ok, set.Count == 0 ? "none" : $"from {string.Join(", ", set)}", Fix: null);
    }

    /// <summary>Each of several by itself. One that is down is a warning while another works.</summary>
    private static async Task<List<DoctorFinding>> CheckServersAsync(
        PyResolveClient client, string? profile, CancellationToken cancellationToken)
    {
        if (client.ApiUrls.Count == 1)
            return [await CheckAsync("server", () => DescribeServerAsync(client, cancellationToken), profile)];
        var findings = new List<DoctorFinding>();
        foreach (var url in client.ApiUrls)
        {
            await using var one = ClientFactory.Create(profile, apiUrls: [url]);
            findings.Add(await CheckAsync("server", () => DescribeServerAsync(one, cancellationToken), profile));
        }

        return findings.TrueForAll(static finding => finding.Status == Failed)
            ? findings
            : [.. findings.Select(static finding => finding.Status == Failed ? finding with { Status = Caution } : finding)];
    }

    private static async Task<string> DescribeServerAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        var service = await client.GetServiceAsync(cancellationToken);
        var ready = await client.GetReadinessAsync(cancellationToken);
        return $"{client.ApiUrl.AbsoluteUri.TrimEnd('/')}, {service.Service} {service.Version}, {ready.Status}";
    }

    private static async Task<string> DescribeKeyAsync(PyResolveClient client, string? profile, CancellationToken cancellationToken)
    {
        var credential = client.Keys.FindApiKey() ?? throw Failures.NotLoggedIn(profile);
        var account = await client.GetAccountAsync(cancellationToken);
        return $"{credential.MaskedKey} of {account.Email}, plan {account.Plan}";
    }

    private static DoctorFinding CheckWaiting(PyResolveClient client) => WaitingUsage.Describe(client) is { } waiting
        ? new("usage", Caution, waiting, Fix: null)
        : new("usage", Ok, "nothing waits to be sent", Fix: null);

    private static async Task<DoctorFinding> CheckAsync(string name, Func<Task<string>> check, string? profile)
    {
        try
        {
            return new(name, Ok, await check(), Fix: null);
        }
        catch (Exception e) when (e is PyResolveException or CliException)
        {
            return Describe(name, Failures.Describe(e, profile));
        }
    }

    private static DoctorFinding Describe(string name, CliException failure) =>
        new(name, Failed, failure.Message, failure.Next.Count == 0 ? null : string.Join(' ', failure.Next));
}
