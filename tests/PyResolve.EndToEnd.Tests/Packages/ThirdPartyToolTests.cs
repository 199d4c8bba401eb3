namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>A copy of samples/ThirdPartyTool outside this repository, with the packages, as its README says.</summary>
[Collection(nameof(PackedSdk))]
public sealed class ThirdPartyToolTests(PackedSdk sdk) : IAsyncLifetime
{
    private const string Sample = "samples/ThirdPartyTool";

    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);

    [Fact]
    public async Task Its_own_tests_pass_and_it_upgrades_code_that_the_real_server_counts()
    {
        var folder = sdk.NewFolder().WithServer(_server.Address, await SignUp.ApiKeyAsync(_server))
            .WithFile(
                "Directory.Build.props",
                $"<Project><PropertyGroup><PyResolveVersion>{sdk.Version}</PyResolveVersion></PropertyGroup></Project>")
            .WithFile("code/app.py", "import datetime\n\nnow = datetime.datetime.utcnow()\n");
        foreach (var file in Files())
            folder.WithFile($"tool/{file}", await File.ReadAllTextAsync(Repository.PathOf($"{Sample}/{file}"), Cancellation));

        var run = await folder.ShellAsync(Commands(), "tool");

        run.ExitCode.ShouldBe(0, run.Output + run.Error);
        run.Output.ShouldContain("Total: 4, Errors: 0, Failed: 0");
        run.Output.ShouldEndWith("Files changed: 1. Migrations left this month: 4.\n");
        (await File.ReadAllTextAsync(folder.PathOf("code/app.py"), Cancellation)).ShouldContain("now(datetime.timezone.utc)");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static IEnumerable<string> Files() => Directory
        .EnumerateFiles(Repository.PathOf(Sample), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Repository.PathOf(Sample), file).Replace('\\', '/'))
        .Where(file => !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal));

    private static string Commands() =>
        new GuidePage("## Run\n" + File.ReadAllText(Repository.PathOf($"{Sample}/README.md"))).Blocks("Run", "sh").Single();
}
