using System.Text.Json;
using PyResolve.MSBuild.Tests.Infrastructure;

namespace PyResolve.MSBuild.Tests;

/// <summary>What a gated build does, with a server that answers.</summary>
public sealed class GateTests(PackedGate gate, GateServer server)
{
    [Fact]
    public async Task An_allowed_migration_is_charged_once_for_a_commit()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(tier: "tier2");
        var other = gate.NewProject().AtCommit(repository: "git@example.com:acme/shop").WithServer(account.Address, account.ApiKey)
            .WithMigration(tier: "tier2");

        var first = await project.BuildInCiAsync();
        var rebuilt = await project.BuildInCiAsync("-t:Rebuild");
        var retry = await other.BuildInCiAsync();

        first.ExitCode.ShouldBe(0, first.Output);
        first.Output.ShouldContain("PyResolve: pydantic 2.0 (tier2) is charged: pro plan, 1/");
        rebuilt.ExitCode.ShouldBe(0, rebuilt.Output);
        rebuilt.Output.ShouldContain("was charged for this commit before, and is free now");
        retry.ExitCode.ShouldBe(0, retry.Output);
        (await account.UsedAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_gated_build_talks_to_its_server_and_downloads_nothing()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        await using var internet = TcpProxy.Start(account.Server.Address);
        var proxy = $"http://{internet.EndPoint}";
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration()
            .WithVariable("HTTP_PROXY", proxy).WithVariable("HTTPS_PROXY", proxy).WithVariable("NO_PROXY", null);

        var build = await project.BuildInCiAsync();

        build.ExitCode.ShouldBe(0, build.Output);
        account.Network.Connections.ShouldBeGreaterThan(0);
        internet.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task An_up_to_date_gate_starts_no_worker_and_another_commit_starts_it()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration();
        (await project.BuildInCiAsync()).OrThrow("The first build");
        var asked = account.Network.Connections;

        const string Broken = "-p:PyResolveGateWorker=missing.dll";
        var again = await project.BuildInCiAsync(Broken);
        var next = await project.AtCommit(new string('a', 40)).BuildInCiAsync(Broken);

        again.ExitCode.ShouldBe(0, again.Output);
        account.Network.Connections.ShouldBe(asked);
        GatedProject.Diagnostics(next).ShouldBe(["error PYR0010"], next.Output);
    }

    [Fact]
    public async Task A_used_up_quota_fails_the_build_with_one_error_before_anything_is_compiled()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        await account.Account.ReserveAsync(5);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration()
            .WithFile("Code.cs", "this does not compile");

        var build = await project.BuildInCiAsync("-p:PyResolveSarif=gate.sarif");

        build.ExitCode.ShouldBe(1);
        GatedProject.Diagnostics(build).ShouldBe(["error PYR0001"], build.Output);
        build.Output.ShouldContain($"{project.File} : error PYR0001: pydantic 2.0 (tier1): Monthly limit reached");
        build.Output.ShouldContain("(https://pyresolve.dev/docs/diagnostics/PYR0001)");
        var file = await File.ReadAllTextAsync(Path.Combine(project.Folder, "gate.sarif"), TestContext.Current.CancellationToken);
        using var sarif = JsonDocument.Parse(file);
        sarif.RootElement.GetProperty("runs")[0].GetProperty("results")[0].GetProperty("ruleId").GetString().ShouldBe("PYR0001");
    }

    [Fact]
    public async Task A_denied_migration_is_one_error_also_for_who_counts_without_the_summary()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration(tier: "tier2");

        var build = await project.DotNetAsync("msbuild", "-nologo", "-clp:NoSummary", "-p:PyResolveEnforce=true");

        build.ExitCode.ShouldBe(1);
        build.Output.Split('\n').Where(line => line.Contains("error", StringComparison.OrdinalIgnoreCase))
            .ShouldHaveSingleItem().ShouldContain(": error PYR0002: ");
    }

    [Fact]
    public async Task One_denied_migration_charges_none_of_the_others()
    {
        await using var account = await GateAccount.SignUpAsync(server, "free");
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey)
            .WithMigration("numpy").WithMigration("pydantic", "tier2").WithMigration("httpx");

        var build = await project.BuildInCiAsync();

        GatedProject.Diagnostics(build).ShouldBe(["error PYR0002"], build.Output);
        (await account.Account.QuotaAsync()).ShouldBe(new QuotaView(0, 0, 5));
    }

    [Fact]
    public async Task Without_a_key_tier1_passes_unmetered_and_tier2_fails()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, apiKey: null).WithMigration();

        var tier1 = await project.BuildInCiAsync();
        var tier2 = await project.WithMigration("numpy", "tier2").BuildInCiAsync();

        tier1.ExitCode.ShouldBe(0, tier1.Output);
        tier1.Output.ShouldContain("pydantic 2.0 (tier1) is not metered without an API key");
        GatedProject.Diagnostics(tier2).ShouldBe(["error PYR0003"], tier2.Output);
    }

    [Fact]
    public async Task A_revoked_key_fails_the_build()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, "pyr_live_" + new string('0', 48)).WithMigration();

        var build = await project.BuildInCiAsync();

        GatedProject.Diagnostics(build).ShouldBe(["error PYR0004"], build.Output);
    }

    [Fact]
    public async Task A_build_that_fails_while_the_gate_asks_gives_back_what_it_gets()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var project = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey).WithMigration().WithFile(
            "Directory.Build.targets",
            """<Project><Target Name="Fail" BeforeTargets="ResolveReferences"><Error Text="No references." /></Target></Project>""");
        await account.Network.StallAsync();

        var build = await project.BuildInCiAsync("-p:PyResolveTimeout=60");
        await account.Network.PassAsync();

        build.ExitCode.ShouldBe(1, build.Output);
        await Eventually.HoldsAsync(
            async () => (await account.ReleasedAsync()).ShouldBe(1),
            within: TimeSpan.FromSeconds(30),
            cancellationToken: TestContext.Current.CancellationToken);
        (await account.Account.QuotaAsync()).ShouldSatisfyAllConditions(quota => quota.Used.ShouldBe(0), quota => quota.Held.ShouldBe(0));
    }

    [Fact]
    public async Task Eight_projects_built_at_once_are_charged_once_each()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        var all = gate.NewProject().AtCommit().WithServer(account.Address, account.ApiKey);
        File.Delete(all.File);
        var projects = Enumerable.Range(0, 8).Select(i => Path.Combine(all.Folder, $"p{i}")).ToList();
        foreach (var (i, folder) in projects.Index())
        {
            Directory.CreateDirectory(folder);
            gate.CopyTo(folder);
            var item = $"""<ItemGroup><PyResolveMigration Include="library{i}" TargetVersion="2.0" /></ItemGroup>""";
            all.WithFile($"p{i}/App.csproj", GatedProject.ProjectFile(gate.Version, "net10.0", item));
        }
        all.WithFile("All.proj", """
            <Project>
              <ItemGroup><App Include="p*/App.csproj" /></ItemGroup>
              <Target Name="Build"><MSBuild Projects="@(App)" BuildInParallel="true" /></Target>
            </Project>
            """);

        var build = await all.DotNetAsync(
            "build", "--no-restore", "All.proj", "-m:8", "-nodeReuse:false", "-p:PyResolveEnforce=true", "-p:PyResolveTimeout=60");

        build.ExitCode.ShouldBe(0, build.Output);
        (await account.Account.QuotaAsync()).ShouldSatisfyAllConditions(quota => quota.Used.ShouldBe(8), quota => quota.Held.ShouldBe(0));
    }

    [Fact]
    public async Task A_project_with_several_target_frameworks_is_gated_once_and_honours_NoWarn()
    {
        await using var account = await GateAccount.SignUpAsync(server);
        // Without a commit there is a warning, and each gate would be charged.
        var project = gate.NewProject().WithServer(account.Address, account.ApiKey).WithTargets("net10.0;netstandard2.0").WithMigration();
        (await project.DotNetAsync("restore")).OrThrow("dotnet restore");

        var build = await project.BuildInCiAsync();
        var inner = await project.BuildInCiAsync("-f", "net10.0", "-p:PyResolveGateWorker=missing.dll");
        var silenced = await project.BuildInCiAsync("-t:Rebuild", "-p:NoWarn=PYR0013");

        build.ExitCode.ShouldBe(0, build.Output);
        GatedProject.Diagnostics(build).ShouldBe(["warning PYR0013"], build.Output);
        inner.ExitCode.ShouldBe(0, inner.Output);
        silenced.Output.ShouldNotContain("warning PYR");
        (await account.UsedAsync()).ShouldBe(2);
    }
}
