namespace PyResolve.Server.Tests.Hosting;

public sealed class PublishTests
{
    [Fact]
    public async Task What_is_published_runs_from_any_folder()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("pyresolve-publish-");
        try
        {
            var project = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "../../../PyResolve.Server.csproj"));
            var published = Path.Combine(folder.FullName, "app");
            // What these tests were built with: building anew would take minutes and tell no more.
            var configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(ServerProcess.Assembly))!);
            (await Command.RunAsync("dotnet", ["publish", project, "--no-build", "-c", configuration, "-v", "q", "--nologo", "-o", published], cancellationToken: cancellation)).OrThrow("dotnet publish");

            var result = await Command.RunAsync(
                "dotnet",
                [Path.Combine(published, "PyResolve.Server.dll"), "migrate-schema"],
                new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = Path.Combine(folder.FullName, "data"), ["DATABASE_URL"] = null },
                workingDirectory: folder.FullName,
                cancellationToken: cancellation);

            result.OrThrow("migrate-schema").Output.ShouldContain("The schema is at version");
            File.Exists(Path.Combine(folder.FullName, "data", "pyresolve.db")).ShouldBeTrue();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
