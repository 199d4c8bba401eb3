using PyResolve.EndToEnd.Tests.Packages;

namespace PyResolve.EndToEnd.Tests.Archives;

[CollectionDefinition(nameof(ServerArchive))]
public sealed class ServerArchiveTests : ICollectionFixture<ServerArchive>;

/// <summary>The server's archive for this machine, made as for a release.</summary>
public sealed class ServerArchive : IAsyncLifetime
{
    /// <summary>The archive.</summary>
    public string File { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        var made = await Command.RunAsync(
            "/bin/bash", [Repository.PathOf(".ci/server-archive")], DotNet.Environment(),
            cancellationToken: TestContext.Current.CancellationToken);
        File = Repository.PathOf(made.OrThrow(".ci/server-archive").Output.Trim());
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
