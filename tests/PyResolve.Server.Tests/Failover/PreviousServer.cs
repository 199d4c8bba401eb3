using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// The server of the release before, built from the history of this clone: <c>build/previous-release.txt</c> names its tag or commit.
/// </summary>
internal sealed class PreviousServer : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-previous-");

    private PreviousServer()
    {
    }

    public string Assembly => Path.Combine(_folder.FullName, "built", "PyResolve.Server.dll");

    /// <returns>null where the clone does not have that part of the history.</returns>
    public static async Task<PreviousServer?> BuildAsync(CancellationToken cancellationToken)
    {
        var root = Guide.Root;
        var name = (await File.ReadAllTextAsync(Path.Combine(root, "build", "previous-release.txt"), cancellationToken)).Trim();
        var found = await Command.RunAsync(
            "git", ["rev-parse", "--verify", "--quiet", $"{name}^{{tree}}"], workingDirectory: root, cancellationToken: cancellationToken);
        if (found.ExitCode != 0)
            return null;
        var server = new PreviousServer();
        try
        {
            var source = Path.Combine(server._folder.FullName, "source.tar");
            await server.RunAsync("git", ["-C", root, "archive", $"--output={source}", name], cancellationToken);
            await server.RunAsync("tar", ["--extract", $"--file={source}"], cancellationToken);
            await server.RunAsync(
                ServerProcess.Muxer(),
                [
                    "build", "src/PyResolve.Server", "--output", "built", "--nologo", "--verbosity", "quiet", "-p:RunAnalyzers=false",
                ],
                cancellationToken);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        (await Command.RunAsync(program, arguments, workingDirectory: _folder.FullName, cancellationToken: cancellationToken))
            .OrThrow($"{program} {arguments[0]}");
}
