using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Failover;

/// <summary>
/// The server of the release before, built from the history of this clone: <c>build/previous-release.txt</c> names its tag or commit.
/// </summary>
internal static class PreviousServer
{
    /// <summary>Built unless it is there: <c>./test</c> builds it before it runs all tests.</summary>
    /// <returns>The assembly; null where the clone does not have that part of the history.</returns>
    public static async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, string?>
        {
            ["PATH"] = $"{Path.GetDirectoryName(ServerProcess.Muxer())}{Path.PathSeparator}{Environment.GetEnvironmentVariable("PATH")}",
        };
        var built = await Command.RunAsync(
            "/bin/bash", [Path.Combine(Guide.Root, ".ci", "previous-release")], environment, cancellationToken: cancellationToken);
        return built.OrThrow(".ci/previous-release").Output.Trim() is { Length: > 0 } assembly ? assembly : null;
    }
}
