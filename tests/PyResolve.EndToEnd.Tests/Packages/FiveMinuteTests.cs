namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>The first section of the SDK's guide, typed as it stands there, against a real server.</summary>
[Collection(nameof(PackedSdk))]
public sealed class FiveMinuteTests(PackedSdk sdk) : IAsyncLifetime
{
    private const string Section = "Five minutes";
    private static readonly GuidePage Guide = GuidePage.Of("docs/sdk.md");

    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);

    [Fact]
    public async Task A_fresh_project_takes_the_package_runs_five_migrations_and_is_told_why_not_a_sixth()
    {
        var folder = sdk.NewFolder().WithServer(_server.Address, await SignUp.ApiKeyAsync(_server));
        var (create, run) = Guide.Blocks(Section, "sh") is [var first, var second]
            ? (first, second)
            : throw new InvalidOperationException("Two blocks to type.");

        (await folder.TypeAsync(create)).OrThrow(create);
        folder.WithFile("upgrader/Program.cs", Guide.Blocks(Section, "csharp").Single());
        var runs = new List<CommandResult>();
        for (var i = 0; i < 6; i++)
            runs.Add(await folder.TypeAsync(i == 0 ? run : $"{run.TrimEnd()} --no-build", "upgrader"));

        File.ReadAllText(folder.PathOf("upgrader/upgrader.csproj")).ShouldContain(
            $"""Include="PyResolve.Client" Version="{sdk.Version}" """.TrimEnd());
        runs.Select(result => result.ExitCode).ShouldBe([0, 0, 0, 0, 0, 3], runs[0].Output + runs[0].Error);
        var (promised, denied) = Guide.Blocks(Section, "") is [.., var two, var three] ? (two, three) : default;
        runs[0].Output.ShouldBe(promised);
        runs[4].Output.ShouldContain(" 0 migrations left this month.");
        runs[5].Error.ShouldStartWith(denied![..denied.IndexOf(" It resets", StringComparison.Ordinal)]);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
