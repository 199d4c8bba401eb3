using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The folder of a developer who has the packages and not this repository.</summary>
internal sealed class FreshFolder(string path, Dictionary<string, string?> environment)
{
    private static readonly string System = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";

    /// <summary>This machine's runtime identifier, such as <c>linux-x64</c>.</summary>
    public static string Runtime { get; } = $"{System}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";

    public string PathOf(string relative) => Path.Combine(path, relative);

    public FreshFolder WithServer(Uri address, string apiKey)
    {
        environment["PYRESOLVE_API_URL"] = address.OriginalString;
        environment["PYRESOLVE_API_KEY"] = apiKey;
        return this;
    }

    public FreshFolder WithFile(string relative, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(relative))!);
        File.WriteAllText(PathOf(relative), text);
        return this;
    }

    public Task<CommandResult> DotNetAsync(params string[] arguments) => RunAsync(DotNet.Path, arguments);

    /// <summary>Runs lines in a shell.</summary>
    public Task<CommandResult> ShellAsync(string lines, string folder = "") => RunAsync("/bin/sh", ["-ec", lines], folder);

    /// <summary>Starts a program of this folder that runs until it is killed. Its output and its errors are redirected.</summary>
    public Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(PathOf(program), arguments)
        {
            WorkingDirectory = path,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    public Task<CommandResult> RunAsync(string program, string[] arguments, string folder = "") =>
        Command.RunAsync(
            program, arguments, environment, workingDirectory: PathOf(folder), cancellationToken: TestContext.Current.CancellationToken);
}
