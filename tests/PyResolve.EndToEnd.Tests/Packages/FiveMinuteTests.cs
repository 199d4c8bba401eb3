namespace PyResolve.EndToEnd.Tests.Packages;

/// <summary>Follows the first section of the SDK's guide word by word, with a real server.</summary>
[Collection(nameof(PackedSdk))]
public sealed class FiveMinuteTests(PackedSdk sdk) : IAsyncLifetime
{
    private const string Section = "Five minutes";
    private static readonly GuidePage Guide = GuidePage.Of("docs/sdk.md");

    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(cancellationToken: Cancellation);

    [Fact]
    public async Task A_new_project_with_the_package_runs_five_migrations_and_explains_why_the_sixth_is_denied()
    {
        var folder = sdk.NewFolder().WithServer(_server.Address, await SignUp.ApiKeyAsync(_server));
        var (create, run) = Guide.Blocks(Section, "sh") is [var first, var second]
            ? (first, second)
            : throw new InvalidOperationException("Two blocks to type.");

        (await folder.ShellAsync(create)).OrThrow(create);
        folder.WithFile("upgrader/Program.cs", Guide.Blocks(Section, "csharp").Single());
        var runs = new List<CommandResult>();
        for (var i = 0; i < 6; i++)
            runs.Add(await folder.ShellAsync(i == 0 ? run : $"{run.TrimEnd()} --no-build", "upgrader"));

        File.ReadAllText(folder.PathOf("upgrader/upgrader.csproj")).ShouldContain(
            $"""Include="PyResolve.Client" Version="{sdk.Version}" """.TrimEnd());
        runs.Select(result => result.ExitCode).ShouldBe([0, 0, 0, 0, 0, 3], runs[0].Output + runs[0].Error);
        var (expected, denied) = Guide.Blocks(Section, "") is [.., var two, var three] ? (two, three) : default;
        runs[0].Output.ShouldBe(expected);
        runs[4].Output.ShouldContain(" 0 migrations left this month.");
        runs[5].Error.ShouldStartWith(denied![..denied.IndexOf(" It resets", StringComparison.Ordinal)]);

        await RunsInSixSecondsAsync(folder, "env -u PYRESOLVE_HOME HOME=/nonexistent", "this user has no home");
        await RunsInSixSecondsAsync(folder, "env DOTNET_SYSTEM_IO_DISABLEFILELOCKING=1", "");
    }

    /// <summary>With the quota of a new account.</summary>
    private async Task RunsInSixSecondsAsync(FreshFolder folder, string environment, string says)
    {
        folder.WithServer(_server.Address, await SignUp.ApiKeyAsync(_server, $"{Guid.CreateVersion7():N}@example.com"));
        var started = TimeProvider.System.GetTimestamp();

        var run = await folder.ShellAsync($"{environment} ./bin/Debug/net10.0/upgrader", "upgrader");

        TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(TimeSpan.FromSeconds(6));
        (run.ExitCode, run.Output).ShouldBe((0, Guide.Blocks(Section, "")[^2]), run.Error);
        run.Error.ShouldContain(says);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
