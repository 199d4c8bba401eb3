using System.Diagnostics;
using System.Globalization;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary><c>PyResolveRun=true</c>: the migrator runs in the build, and decides what is charged.</summary>
public sealed class MigratorTests(PackedGate gate, GateServer server)
{
    internal const string Models =
        "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    name: str\n\n    class Config:\n        orm_mode = True\n";

    [Fact]
    public async Task The_migrator_runs_before_compilation_and_is_charged_when_it_has_changed_files()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey)
            .WithFile("models/user.py", Models).WithMigration(more: "Path=\"models\"");

        var build = await project.BuildInCiAsync("-p:PyResolveRun=true");

        build.ExitCode.ShouldBe(0, build.Output);
        build.Output.ShouldContain("pydantic 2.0 (tier1) is charged");
        (await File.ReadAllTextAsync(Path.Combine(project.Folder, "models/user.py"), TestContext.Current.CancellationToken))
            .ShouldContain("model_config = ConfigDict(");
        (await account.UsedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_migrator_that_fails_fails_the_build_and_costs_nothing()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration()
            .WithFile("fail.sh", "echo half done > \"$1/half.txt\"\nexit 7\n");

        var build = await project.BuildInCiAsync("-p:PyResolveRun=true", "-p:PyResolveMigrator=sh fail.sh {path}");

        GatedProject.Diagnostics(build).ShouldBe(["error PYR0009"], build.Output);
        build.Output.ShouldContain("exit code 7");
        (await account.Account.QuotaAsync()).ShouldSatisfyAllConditions(quota => quota.Used.ShouldBe(0), quota => quota.Held.ShouldBe(0));
    }

    [Fact]
    public async Task An_interrupted_build_stops_the_migrator_and_gives_the_hold_back()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        using var build = await StartSlowBuildAsync(account);
        (await account.HeldAsync()).ShouldBe(1);

        await InterruptAsync(build);
        await build.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);

        await Eventually.HoldsAsync(
            async () => (await account.HeldAsync()).ShouldBe(0),
            within: TimeSpan.FromSeconds(30),
            cancellationToken: TestContext.Current.CancellationToken);
        (await account.UsedAsync()).ShouldBe(0);
        await build.WaitForExitAsync(TestContext.Current.CancellationToken);
        build.ExitCode.ShouldNotBe(0);
    }

    [Fact]
    public async Task A_killed_build_gives_the_hold_back_too()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        using var build = await StartSlowBuildAsync(account);

        build.Kill();

        await Eventually.HoldsAsync(
            async () => (await account.HeldAsync()).ShouldBe(0),
            within: TimeSpan.FromSeconds(30),
            cancellationToken: TestContext.Current.CancellationToken);
        (await account.UsedAsync()).ShouldBe(0);
    }

    /// <summary>Its migrator has started, and does not end.</summary>
    private async Task<Process> StartSlowBuildAsync(GateAccount account)
    {
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration()
            .WithFile("slow.sh", "touch started\nexec sleep 600\n");
        var build = project.StartBuild("-p:PyResolveRun=true", "-p:PyResolveMigrator=sh slow.sh");
        await Eventually.IsTrueAsync(
            () => File.Exists(Path.Combine(project.Folder, "started")),
            within: TimeSpan.FromSeconds(60),
            cancellationToken: TestContext.Current.CancellationToken);
        return build;
    }

    /// <summary>To the whole group, as a terminal does.</summary>
    private static async Task InterruptAsync(Process build)
    {
        var group = build.Id.ToString(CultureInfo.InvariantCulture);
        var sent = await Command.RunAsync(
            "kill", ["-INT", "--", $"-{group}"], cancellationToken: TestContext.Current.CancellationToken);
        sent.OrThrow("kill");
    }
}
