using System.Collections;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using ModelContextProtocol.Client;

namespace PyResolve.Cli.Tests.Infrastructure;

/// <summary>
/// The built <c>pyresolve</c> as a process, with its own home and project folder: the portable assembly, or the program that
/// <c>PYRESOLVE_CLI</c> names, such as the native one.
/// </summary>
public sealed class CliDriver : IDisposable
{
    /// <summary>The portable assembly, whichever program the tests run.</summary>
    public static readonly string Assembly = typeof(CliDriver).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(m => m.Key == "pyresolve").Value!;

    private static readonly (string File, string[] Arguments) Program = FindProgram();

    private readonly Dictionary<string, string?> _environment = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("pyresolve-cli-").FullName;

    public CliDriver()
    {
        Directory.CreateDirectory(Project);
        foreach (var name in System.Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().Select(v => (string)v.Key))
        {
            if (name.StartsWith("PYRESOLVE_", StringComparison.Ordinal))
                Environment[name] = null;
        }
        Environment["PYRESOLVE_HOME"] = Home;
    }

    /// <summary>Starts it in a shell script.</summary>
    public static string ShellCommand => string.Join(' ', Program.Arguments.Prepend(Program.File).Select(static word => $"'{word}'"));

    public IDictionary<string, string?> Environment => _environment;

    public string Home => Path.Combine(_folder, "home");

    public string ConfigPath => Path.Combine(Home, "config.toml");

    /// <summary>The folder with code in which the command line runs.</summary>
    public string Project => Path.Combine(_folder, "project");

    /// <summary>Writes the config file, readable by its owner alone.</summary>
    public CliDriver WithConfig(string toml)
    {
        Directory.CreateDirectory(Home);
        File.WriteAllText(ConfigPath, toml);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(ConfigPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return this;
    }

    public CliDriver WithLogin(FakePyResolveServer server) =>
        WithConfig($"api_key = \"{server.Account.ApiKey}\"\napi_url = \"{server.Address}\"\n");

    public CliDriver WithFile(string path, string content)
    {
        var full = Path.Combine(Project, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, content);
        return this;
    }

    public string Read(string path) => File.ReadAllText(Path.Combine(Project, path));

    public Task<CommandResult> RunAsync(params string[] arguments) => RunWithInputAsync("", arguments);

    /// <returns>Its output with <c>\n</c> between lines, on Windows too.</returns>
    public async Task<CommandResult> RunWithInputAsync(string input, params string[] arguments)
    {
        var result = await Command.RunAsync(
            Program.File, [.. Program.Arguments, .. arguments], _environment, input, Project,
            cancellationToken: TestContext.Current.CancellationToken);
        return result with { Output = result.Output.ReplaceLineEndings("\n"), Error = result.Error.ReplaceLineEndings("\n") };
    }

    /// <summary>Runs it in a shell, which redirects or closes its streams.</summary>
    public Task<CommandResult> RunInShellAsync(string input, string arguments, string redirection) => Command.RunAsync(
        "/bin/sh", ["-c", $"{ShellCommand} {arguments} {redirection}"], _environment, input, Project,
        cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Starts it without waiting for its end.</summary>
    public Process Start(params string[] arguments) => Start(takesInput: false, arguments);

    /// <summary>Starts it without waiting for its end, with standard input from the caller.</summary>
    public Process StartWithInput(params string[] arguments) => Start(takesInput: true, arguments);

    /// <summary>Starts <c>pyresolve mcp</c> as a client of the Model Context Protocol does.</summary>
    public Task<McpClient> StartMcpAsync(McpClientOptions options, params string[] arguments)
    {
        var transport = new StdioClientTransport(new()
        {
            Command = Program.File,
            Arguments = [.. Program.Arguments, "mcp", .. arguments],
            WorkingDirectory = Project,
            EnvironmentVariables = Environment,
        });
        return McpClient.CreateAsync(transport, options, cancellationToken: TestContext.Current.CancellationToken);
    }

    private Process Start(bool takesInput, string[] arguments)
    {
        var start = new ProcessStartInfo(Program.File, [.. Program.Arguments, .. arguments])
        {
            WorkingDirectory = Project,
            UseShellExecute = false,
            RedirectStandardInput = takesInput,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Starts it in a terminal of its own, which is closed at the latest with the returned object. On Linux.</summary>
    public TerminalSession StartInTerminal(int columns, params string[] arguments) =>
        TerminalSession.Start(Program.File, [.. Program.Arguments, .. arguments], _environment, Project, columns);

    /// <summary>Starts a shell's command in a terminal, as <see cref="StartInTerminal"/> starts the program itself.</summary>
    public TerminalSession StartShellInTerminal(int columns, string script) =>
        TerminalSession.Start("/bin/sh", ["-c", script], _environment, Project, columns);

    /// <summary>Runs it to its end in a terminal of its own, where nobody types. On Linux.</summary>
    public async Task<TerminalResult> RunInTerminalAsync(int columns, params string[] arguments)
    {
        await using var terminal = StartInTerminal(columns, arguments);
        return await terminal.WaitForExitAsync();
    }

    /// <summary>One file that starts the program: the native one, or a script that starts the portable one.</summary>
    public static async Task CopyProgramAsync(string path)
    {
        if (Program.Arguments.Length == 0)
            File.Copy(Program.File, path);
        else
            await File.WriteAllTextAsync(path, $"#!/bin/sh\nexec {ShellCommand} \"$@\"\n");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static (string File, string[] Arguments) FindProgram()
    {
        if (System.Environment.GetEnvironmentVariable("PYRESOLVE_CLI") is { Length: > 0 } chosen)
        {
            return File.Exists(chosen)
                ? (Path.GetFullPath(chosen), [])
                : throw new InvalidOperationException($"PYRESOLVE_CLI names {chosen}, which does not exist.");
        }

        var dotnet = OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet";
        return (Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../..", dotnet)), [Assembly]);
    }
}
