using System.IO.Compression;
using System.Text;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>A developer's machine, an IDE and a restore: nothing is charged, and the key stays where it is.</summary>
public sealed class DeveloperTests(PackedGate gate, GateServer server)
{
    [Fact]
    public async Task A_developers_build_shows_the_quota_and_charges_nothing()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration();

        var build = await project.BuildAsync();
        var asked = account.Network.Connections;
        var again = await project.BuildAsync();

        const string Line = "PyResolve: free plan, 0/5 used, 5 remaining. Nothing is charged here; CI gates: pydantic 2.0 (tier1).";
        build.ExitCode.ShouldBe(0, build.Output);
        build.Output.ShouldContain(Line);
        again.Output.ShouldContain(Line);
        account.Network.Connections.ShouldBe(asked);
        (await account.Account.QuotaAsync()).ShouldBe(new QuotaView(0, 0, 5));
    }

    [Fact]
    public async Task What_CI_would_deny_is_a_warning_that_can_be_an_error()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(tier: "tier2");

        var build = await project.BuildAsync();
        var strict = await project.BuildAsync("-p:WarningsAsErrors=PYR0012");
        var silent = await project.BuildAsync("-p:NoWarn=PYR0012");

        build.ExitCode.ShouldBe(0, build.Output);
        GatedProject.Diagnostics(build).ShouldBe(["warning PYR0012"], build.Output);
        strict.ExitCode.ShouldBe(1, strict.Output);
        GatedProject.Diagnostics(strict).ShouldBe(["error PYR0012"], strict.Output);
        silent.ExitCode.ShouldBe(0, silent.Output);
        silent.Output.ShouldNotContain("warning PYR");
    }

    [Fact]
    public async Task A_restore_a_design_time_build_and_a_skipped_gate_ask_nobody()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration();

        CommandResult[] results =
        [
            await project.DotNetAsync("build", "-t:Restore", "-p:PyResolveEnforce=true"),
            await project.BuildInCiAsync("-t:Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true"),
            await project.BuildInCiAsync("-p:PyResolveSkip=true"),
        ];

        foreach (var result in results)
            result.ExitCode.ShouldBe(0, result.Output);
        account.Network.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task No_log_has_the_key()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey)
            .WithMigration().WithMigration("numpy", "tier2");

        var build = await project.BuildInCiAsync(
            "-bl:gate.binlog", "-v:diag", "-flp:v=diag;logfile=gate.log", "-p:PyResolveSarif=gate.sarif");

        GatedProject.Diagnostics(build).ShouldContain("error PYR0002");
        using var binlog = new GZipStream(File.OpenRead(Path.Combine(project.Folder, "gate.binlog")), CompressionMode.Decompress);
        using var bytes = new MemoryStream();
        await binlog.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        var texts = new List<string> { build.Output, build.Error, Encoding.UTF8.GetString(bytes.ToArray()) };
        foreach (var file in new[] { "gate.log", "gate.sarif" })
            texts.Add(await File.ReadAllTextAsync(Path.Combine(project.Folder, file), TestContext.Current.CancellationToken));
        texts[2].ShouldContain("PyResolveMigration");
        texts.ShouldAllBe(text => !text.Contains(account.ApiKey, StringComparison.Ordinal));
        texts.ShouldAllBe(text => !text.Contains(account.ApiKey.Substring(20), StringComparison.Ordinal));
    }
}
