using System.Diagnostics;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>A server that does not answer, and each of the policies.</summary>
public sealed class OfflineTests(PackedGate gate, GateServer server)
{
    [Theory]
    [InlineData("tier1", "lease", "warning PYR0006")]
    [InlineData("tier2", "lease", "error PYR0005")]
    [InlineData("tier2", "allow", "warning PYR0006")]
    [InlineData("tier1", "deny", "error PYR0005")]
    public async Task The_policy_decides_while_the_server_is_away(string tier, string policy, string diagnostic)
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(tier: tier);
        await account.Network.RefuseAsync();

        var build = await project.BuildInCiAsync($"-p:PyResolveOfflinePolicy={policy}");

        GatedProject.Diagnostics(build).ShouldBe([diagnostic], build.Output);
        build.ExitCode.ShouldBe(diagnostic.StartsWith("error", StringComparison.Ordinal) ? 1 : 0);
    }

    [Fact]
    public async Task What_was_granted_offline_is_charged_when_the_server_is_back()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration();
        await account.Network.RefuseAsync();
        (await project.BuildInCiAsync()).OrThrow("The build without a server");
        await account.Network.PassAsync();
        // Or the next 15 seconds were decided without asking.
        foreach (var memory in Directory.GetFiles(project.Home, "*outage*", SearchOption.AllDirectories))
            File.Delete(memory);

        (await project.AtCommit(new string('b', 40)).BuildInCiAsync()).OrThrow("The build with it");

        await Eventually.HoldsAsync(
            async () => (await account.UsedAsync()).ShouldBe(2), cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_silent_server_delays_the_build_no_longer_than_the_time_limit()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey)
            .WithMigration(tier: "tier2").WithMigration("numpy", "tier2");
        await project.BuildInCiAsync("-p:PyResolveSkip=true");
        await account.Network.StallAsync();

        var start = Stopwatch.GetTimestamp();
        var build = await project.BuildInCiAsync("-p:PyResolveTimeout=2");

        GatedProject.Diagnostics(build).ShouldBe(["error PYR0005", "error PYR0005"], build.Output);
        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(40));
    }
}
