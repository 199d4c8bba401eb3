namespace PyResolve.Server.Tests.Hosting;

/// <summary>
/// Runs the server's program as somebody who may not do everything: in root's place as nobody. From a copy, because others may not be able
/// to read the folder of the tests. On Linux.
/// </summary>
public sealed class AnotherUser : IAsyncDisposable
{
    private readonly Lazy<Task<string>> _copy = new(CopyAsync);

    public async Task<CommandResult> RunAsync(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string?> environment, CancellationToken cancellationToken)
    {
        var assembly = Path.Combine(await _copy.Value, Path.GetFileName(ServerProcess.Assembly));
        string[] nobody =
            Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] : [];
        string[] command = [.. nobody, ServerProcess.Muxer(), assembly, .. arguments];
        return await Command.RunAsync(command[0], command[1..], environment, cancellationToken: cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_copy.IsValueCreated)
            Directory.Delete(await _copy.Value, recursive: true);
    }

    private static async Task<string> CopyAsync()
    {
        var copy = Directory.CreateTempSubdirectory("pyresolve-server-").FullName;
        (await Command.RunAsync("cp", ["-r", $"{Path.GetDirectoryName(ServerProcess.Assembly)}/.", copy])).OrThrow("cp");
        (await Command.RunAsync("chmod", ["-R", "a+rX", copy])).OrThrow("chmod");
        return copy;
    }
}
