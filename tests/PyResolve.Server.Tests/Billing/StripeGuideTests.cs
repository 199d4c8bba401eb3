using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using PyResolve.Server.Commands;
using PyResolve.Server.Tests.Storage;
using PyResolve.StripeSimulator;

namespace PyResolve.Server.Tests.Billing;

/// <summary>
/// "From nothing to selling in ten minutes" of docs/stripe.md, word by word, with the simulator as the page shows it. Only the ports, of
/// which other tests may use the same, and the folder are this test's.
/// </summary>
[Trait("Platform", "Linux")]
public sealed partial class StripeGuideTests : IDisposable
{
    private const string Page = "stripe.md";
    private static readonly TimeSpan Promised = TimeSpan.FromMinutes(10);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-selling-");
    private readonly int _server = FreePort();
    private readonly int _simulator = FreePort();

    private static string Part { get; } = Guide.Text(Page).Split("\n## ")
        .Single(static part => part.StartsWith("From nothing to selling in ten minutes", StringComparison.Ordinal));

    [Fact]
    public async Task The_page_leads_from_nothing_to_a_paid_plan_and_a_working_key_within_its_ten_minutes()
    {
        Program("pyresolve-server", $"exec dotnet {ServerProcess.Assembly} \"$@\"");
        Program("pyresolve-stripe-simulator", $"exec dotnet {typeof(StripeSimulatorHost).Assembly.Location} --port {_simulator}");
        var commands = string.Concat(Blocks("sh"))
            .Replace("http://127.0.0.1:12111", $"http://127.0.0.1:{_simulator}", StringComparison.Ordinal)
            .Replace("http://localhost:8000", $"http://localhost:{_server}", StringComparison.Ordinal)
            .Replace("/var/lib/pyresolve", _folder.CreateSubdirectory("data").FullName, StringComparison.Ordinal);
        commands.ShouldNotContain("example.com/");
        var clock = Stopwatch.StartNew();

        var result = await RunAsync(commands);

        clock.Elapsed.ShouldBeLessThan(Promised);
        result.ExitCode.ShouldBe(0, result.Output + result.Error);
        result.Output.ShouldContain("\"plan\":\"pro\"");
        result.Output.ShouldNotContain("BAD ");
        foreach (var line in Blocks("text").Skip(1).SelectMany(static block => block.Split('\n')))
            result.Output.ShouldContain(line.Split('…')[0]);
        result.Output.ShouldContain("""{"status":"healthy"}""");
        result.Output.ShouldContain("{\"checkout_url\":\"");
    }

    [Fact]
    public void The_page_and_the_server_have_the_same_address() =>
        string.Concat(Blocks("sh")).ShouldContain($"export PYRESOLVE_PUBLIC_URL={NewServer.DefaultListen}\n");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private static IEnumerable<string> Blocks(string language) => Fence().Matches(Part)
        .Where(match => match.Groups["language"].Value == language).Select(static match => match.Groups["text"].Value);

    /// <summary>The programs that the page leaves running end with it.</summary>
    private Task<CommandResult> RunAsync(string commands) => Command.RunAsync(
        "/bin/bash",
        ["-euc", $"trap 'kill $(jobs -p); wait' EXIT\n{commands}"],
        new Dictionary<string, string?>
        {
            ["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}",
            ["REAL_PATH"] = Environment.GetEnvironmentVariable("PATH"),
            ["ASPNETCORE_URLS"] = $"http://localhost:{_server}",
            ["ASPNETCORE_ENVIRONMENT"] = null,
            ["DOTNET_ENVIRONMENT"] = null,
        },
        workingDirectory: _folder.FullName,
        cancellationToken: TestContext.Current.CancellationToken);

    private void Program(string name, string script)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, $"#!/bin/sh\nPATH=$REAL_PATH\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [GeneratedRegex(
        "^```(?<language>[a-z]+)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}
