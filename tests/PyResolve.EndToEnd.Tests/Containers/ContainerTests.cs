using System.Diagnostics;
using PyResolve.EndToEnd.Tests.Archives;
using PyResolve.EndToEnd.Tests.Packages;

namespace PyResolve.EndToEnd.Tests.Containers;

/// <summary>The image that .NET makes without an engine, unpacked and run as an engine would: read-only, as its user.</summary>
[Collection(nameof(ServerArchive)), Trait("Platform", "Linux")]
public sealed class ContainerTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-container-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_image_serves_with_a_read_only_root_as_a_user_without_rights_and_ends_on_SIGTERM()
    {
        Assert.SkipUnless(await UnpackedImage.CanRunAsync(), "Mounting needs rights: run as root, outside a container.");
        using var image = await UnpackedImage.OfAsync(await PublishAsync());

        image.Config.GetProperty("User").GetString().ShouldBe("1654");
        image.Config.GetProperty("ExposedPorts").EnumerateObject().Select(static port => port.Name).ShouldContain("8000/tcp");
        image.Environment.ShouldContain("PORT=8000");
        image.Environment.ShouldNotContain(static one => one.StartsWith("PYRESOLVE_DATA=", StringComparison.Ordinal));
        image.Config.TryGetProperty("Volumes", out _).ShouldBeFalse();
        using (var withoutStore = image.Run([]))
        {
            await withoutStore.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromMinutes(1), Cancellation);
            withoutStore.ExitCode.ShouldBe(2);
        }

        var port = Loopback.FreePort();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var server = image.Run([$"PORT={port}", "PYRESOLVE_DATA=/data"]);
        try
        {
            await FreshMachine.BecomesReadyAsync(http, server);
            await TestAccount.SignUpAsync(http);
        }
        finally
        {
            await StopAsync(server);
        }

        Directory.EnumerateFiles(image.Data).Select(Path.GetFileName).ShouldContain("pyresolve.db");
        server.ExitCode.ShouldBe(0);
    }

    private async Task<string> PublishAsync()
    {
        await using var registry = await ImageRegistry.StartAsync(await BaseImage.MakeAsync());
        var archive = Path.Combine(_folder.FullName, "pyresolve-server.tar.gz");
        var environment = DotNet.Environment();
        environment["DOTNET_CONTAINER_INSECURE_REGISTRIES"] = registry.Address;
        string[] arguments =
        [
            "publish", "src/PyResolve.Server", "--configuration", "Release", "--runtime", FreshFolder.Runtime, "--self-contained",
            "-target:PublishContainer", $"-property:ContainerBaseImage={registry.Address}/base:1", "-property:ContainerImageFormat=OCI",
            $"-property:ContainerArchiveOutputPath={archive}", "-property:PyResolveNative=true", "-property:DebugType=embedded",
            "-property:PublishReadyToRun=false", "--verbosity", "quiet",
        ];
        (await Command.RunAsync(
            DotNet.Path, arguments, environment, workingDirectory: Repository.Root, cancellationToken: Cancellation))
            .OrThrow("dotnet publish");
        return archive;
    }

    private static async Task StopAsync(Process server)
    {
        if (!server.HasExited)
            (await Command.RunAsync("kill", ["-TERM", $"{server.Id}"], cancellationToken: Cancellation)).OrThrow("kill");
        await server.WaitForExitAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(40), Cancellation);
    }
}
