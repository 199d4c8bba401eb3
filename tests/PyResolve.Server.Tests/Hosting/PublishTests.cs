namespace PyResolve.Server.Tests.Hosting;

public sealed class PublishTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-publish-");

    private string Published => Path.Combine(_folder.FullName, "app");

    [Fact]
    public async Task What_is_published_runs_from_any_folder_and_carries_no_simulator_into_Production()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var project = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "../../../PyResolve.Server.csproj"));
        // What these tests were built with: building anew would take minutes and tell no more.
        var configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(ServerProcess.Assembly))!);
        (await Command.RunAsync("dotnet", ["publish", project, "--no-build", "-c", configuration, "-v", "q", "--nologo", "-o", Published], cancellationToken: cancellation)).OrThrow("dotnet publish");

        var result = await Command.RunAsync(
            "dotnet",
            [Path.Combine(Published, "PyResolve.Server.dll"), "migrate-schema"],
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = Path.Combine(_folder.FullName, "data"), ["DATABASE_URL"] = null },
            workingDirectory: _folder.FullName,
            cancellationToken: cancellation);
        result.OrThrow("migrate-schema").Output.ShouldContain("The schema is at version");
        File.Exists(Path.Combine(_folder.FullName, "data", "pyresolve.db")).ShouldBeTrue();

        Directory.GetFiles(Published, "PyResolve.StripeSimulator*").Select(Path.GetExtension).ShouldBe([".dll", ".pdb"], ignoreOrder: true);
        (await IsSimulatorLoadedAsync("Production")).ShouldBeFalse();
        (await IsSimulatorLoadedAsync("Development")).ShouldBeTrue();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    private async Task<bool> IsSimulatorLoadedAsync(string environment)
    {
        await using var server = await ServerProcess.StartProgramAsync(
            Path.Combine(Published, "PyResolve.Server.dll"),
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = environment },
            TestContext.Current.CancellationToken);
        return LoadedFiles.Of(server).Contains("PyResolve.StripeSimulator.dll");
    }
}
