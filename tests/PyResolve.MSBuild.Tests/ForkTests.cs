using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>Builds of CI systems: pull requests from forks, and annotations.</summary>
public sealed class ForkTests(PackedGate gate, GateServer server)
{
    [Fact]
    public async Task A_pull_request_from_a_fork_gets_a_notice_and_tier1()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, apiKey: null).WithMigration(tier: "tier2")
            .WithFile("event.json", """{"pull_request":{"head":{"sha":"c0ffee","repo":{"full_name":"stranger/shop"}}}}""")
            .WithVariable("GITHUB_ACTIONS", "true").WithVariable("GITHUB_EVENT_NAME", "pull_request")
            .WithVariable("GITHUB_REPOSITORY", "acme/shop");
        project.WithVariable("GITHUB_EVENT_PATH", Path.Combine(project.Folder, "event.json"))
            .WithVariable("GITHUB_WORKSPACE", project.Folder);

        var build = await project.BuildAsync();

        build.ExitCode.ShouldBe(0, build.Output);
        GatedProject.Diagnostics(build).ShouldBe(["message PYR0007"], build.Output);
        build.Output.ShouldContain("::notice file=App.csproj,title=PYR0007 ");
        account.Network.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task The_same_pull_request_of_the_repository_itself_needs_the_key()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, apiKey: null).WithMigration(tier: "tier2")
            .WithVariable("TF_BUILD", "True").WithVariable("SYSTEM_PULLREQUEST_ISFORK", "False");

        var build = await project.BuildAsync();

        GatedProject.Diagnostics(build).ShouldBe(["error PYR0003"], build.Output);
        build.Output.ShouldContain("##vso[task.logissue type=error;sourcepath=");
    }
}
