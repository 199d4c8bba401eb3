namespace PyResolve.Server.Tests.Hosting;

public sealed class PublishTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("pyresolve-publish-");

    private string Published => Path.Combine(_folder.FullName, "app");

    [Fact]
    public async Task A_published_server_runs_from_any_folder_and_contains_no_simulator()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var project = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "../../../PyResolve.Server.csproj"));
        // The build that these tests run against, because another one would take minutes.
        var configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(ServerProcess.Assembly))!);
        string[] publish = ["publish", project, "--no-build", "-c", configuration, "-v", "q", "--nologo", "-o", Published];
        (await Command.RunAsync("dotnet", publish, cancellationToken: cancellation)).OrThrow("dotnet publish");

        var result = await Command.RunAsync(
            "dotnet",
            [Path.Combine(Published, "PyResolve.Server.dll"), "migrate-schema"],
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = Path.Combine(_folder.FullName, "data"), ["DATABASE_URL"] = null },
            workingDirectory: _folder.FullName,
            cancellationToken: cancellation);
        result.OrThrow("migrate-schema").Output.ShouldContain("The schema is at version");
        File.Exists(Path.Combine(_folder.FullName, "data", "pyresolve.db")).ShouldBeTrue();

        File.Exists(
            Path.Combine(Path.GetDirectoryName(ServerProcess.Assembly)!, "simulator", "PyResolve.StripeSimulator.dll")).ShouldBeTrue();
        Directory.Exists(Path.Combine(Published, "simulator")).ShouldBeFalse();
        Directory.GetFiles(Published, "*StripeSimulator*", SearchOption.AllDirectories).ShouldBeEmpty();
        (await File.ReadAllTextAsync(
            Path.Combine(Published, "PyResolve.Server.deps.json"), cancellation)).ShouldNotContain("StripeSimulator");
        await WorksWithoutBillingAsync();
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>In Development, where a build would start its simulator.</summary>
    private async Task WorksWithoutBillingAsync()
    {
        await using var server = await ServerProcess.StartProgramAsync(
            Path.Combine(Published, "PyResolve.Server.dll"),
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" },
            TestContext.Current.CancellationToken);
        var account = await TestAccount.SignUpAsync(server.Http);

        server.Log.ShouldContain("dotnet tool install --global PyResolve.StripeSimulator");
        (await account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await account.Key.PostAsync("/billing/checkout", new { plan = "pro" }))["code"].GetString().ShouldBe("billing_not_configured");
    }
}
