using System.Diagnostics;
using System.Net;

namespace PyResolve.EndToEnd.Tests.Archives;

/// <summary>A machine with the unpacked archive alone: an empty home, no variable but HOME and PATH, which leads to no program.</summary>
internal sealed class FreshMachine : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pyresolve-fresh-");

    private FreshMachine() => _root.CreateSubdirectory("home");

    /// <summary>The working folder.</summary>
    public string Home => Path.Combine(_root.FullName, "home");

    /// <summary>The folder of the program.</summary>
    public string Unpacked => Path.Combine(_root.FullName, "pyresolve-server");

    public string Program => Path.Combine(Unpacked, "pyresolve-server");

    public static async Task<FreshMachine> WithAsync(string archive)
    {
        var machine = new FreshMachine();
        (await Command.RunAsync("tar", ["-xzf", archive, "-C", machine._root.FullName])).OrThrow("tar");
        return machine;
    }

    public Task<CommandResult> RunAsync(params string[] command) => Command.RunAsync(
        "/usr/bin/env", WithoutEnvironment(command), workingDirectory: Home, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Its errors are redirected, and its output is dropped.</summary>
    public Process Start(params string[] command)
    {
        var process = Process.Start(new ProcessStartInfo("/usr/bin/env", WithoutEnvironment(command))
        {
            WorkingDirectory = Home,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.BeginOutputReadLine();
        return process;
    }

    public static async Task BecomesReadyAsync(HttpClient http, Process server)
    {
        await Eventually.IsTrueAsync(
            async () =>
            {
                if (server.HasExited)
                    throw new InvalidOperationException($"The server ended: {await server.StandardError.ReadToEndAsync()}");
                try
                {
                    return (await http.GetAsync(new Uri("/health/ready", UriKind.Relative))).StatusCode == HttpStatusCode.OK;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            TimeSpan.FromSeconds(60),
            TestContext.Current.CancellationToken,
            "the server is ready");
    }

    public void Dispose() => _root.Delete(recursive: true);

    private string[] WithoutEnvironment(string[] command) => ["-i", $"HOME={Home}", $"PATH={Home}", .. command];
}
