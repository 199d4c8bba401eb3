using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>
/// A folder in place of a machine, on which the blocks of a guide run as they are written, with the real server: paths of the guide are
/// folders in it. Programs that would change this machine, or that it does not have, are stand-ins, which refuse what the real ones refuse.
/// </summary>
internal sealed partial class GuideMachine : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("pyresolve-machine-");

    public GuideMachine()
    {
        foreach (var name in (string[])["bin", "work", "state", "opt", "etc/systemd/system", "var/lib", "backups", "data"])
            _root.CreateSubdirectory(name);
        // Two steps of a test may be within one second, those of a person are not. This is 2026-11-30, 21:00:00.
        Add("date", """
            count=$(cat "$STATE/date" 2>/dev/null || echo 0)
            echo $((count + 1)) >"$STATE/date"
            exec /bin/date --date="@$((1796072400 + count))" "$@"
            """);
        Add("server", $"""exec "{ServerProcess.Muxer()}" "{ServerProcess.Assembly}" "$@" """);
        // Without the owner, who is not a user of this machine.
        Add("install", """
            while getopts o:g:m:d option; do
              case $option in
                d) kind=-d ;;
                m) mode=$OPTARG ;;
              esac
            done
            shift $((OPTIND - 1))
            exec /usr/bin/install ${kind:-} -m "$mode" "$@"
            """);
    }

    /// <summary>Where the blocks run.</summary>
    public string Work => PathOf("/work");

    public string PathOf(string path) => Path.Combine(_root.FullName, path.TrimStart('/'));

    public string Read(string path) => File.ReadAllText(PathOf(path)).Trim();

    public List<string> Lines(string path) => File.Exists(PathOf(path)) ? [.. File.ReadLines(PathOf(path))] : [];

    public List<string> Names(string folder, string pattern) =>
        [.. Directory.EnumerateFiles(PathOf(folder), pattern).Select(static file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    /// <summary>
    /// A stand-in. It has the machine's folder in <c>$ROOT</c>, one for its notes in <c>$STATE</c>, and the server as <c>server</c>.
    /// </summary>
    public void Add(string program, string script)
    {
        var file = PathOf($"/bin/{program}");
        File.WriteAllText(file, $"#!/bin/sh\nset -eu\n{script}\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>As a person who stops at the first line that fails.</summary>
    public Task<CommandResult> TryAsync(string block) => Command.RunAsync(
        "/usr/bin/env",
        [
            "-i", $"HOME={_root.FullName}", $"ROOT={_root.FullName}", $"STATE={PathOf("/state")}",
            $"PATH={PathOf("/bin")}:/usr/local/bin:/usr/bin:/bin",
            "/bin/sh", "-euc", GuidePath().Replace(block, match => PathOf(match.Value)),
        ],
        workingDirectory: Work,
        cancellationToken: TestContext.Current.CancellationToken);

    public async Task<string> RunAsync(string block) => (await TryAsync(block)).OrThrow(block).Output;

    public void Dispose() => _root.Delete(recursive: true);

    /// <summary>Not what a container has there.</summary>
    [GeneratedRegex(
        @"(?<=[\s=])(?<!^docker .*)/(opt|etc|var/lib|backups)(?=[/\s])", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex GuidePath();
}
