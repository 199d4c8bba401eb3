using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

[Trait("Platform", "Unix")]
public sealed class DryRunTests : IDisposable
{
    private const string Rewrites = "sh -c 'cd \"$1\" && echo v2 > app.py && rm gone.py && printf x > \"new file.py\"' sh {path}";

    private readonly CliDriver _cli = new CliDriver()
        .WithFile("app.py", "v1\n").WithFile("gone.py", "g\n").WithFile("sub/other.py", "o\n").WithFile(".git/HEAD", "");
    private readonly FakePyResolveServer _server = FakeServer.Start();
    private readonly string _temporary = Directory.CreateTempSubdirectory("dry-run-test-").FullName;

    public DryRunTests()
    {
        _cli.WithLogin(_server);
        _cli.Environment["TMPDIR"] = _temporary;
    }

    [Fact]
    public async Task The_changes_are_shown_as_a_diff_and_nothing_is_changed_or_reserved()
    {
        var result = await DryRunAsync(Rewrites);

        result.ShouldSucceed();
        result.Output.ShouldBe("""
            diff --git a/app.py b/app.py
            --- a/app.py
            +++ b/app.py
            @@ -1 +1 @@
            -v1
            +v2
            diff --git a/gone.py b/gone.py
            deleted file mode 100644
            --- a/gone.py
            +++ /dev/null
            @@ -1 +0,0 @@
            -g
            diff --git a/new file.py b/new file.py
            new file mode 100644
            --- /dev/null
            +++ b/new file.py	
            @@ -0,0 +1 @@
            +x
            \ No newline at end of file

            """);
        result.Error.ShouldContain("Quota this month: 2/5 used, 3 remaining\n");
        result.Error.ShouldContain("Would upgrade pydantic to 2.0: 1 file changed, 1 added, 1 removed\n");
        (_cli.Read("app.py"), File.Exists(Path.Combine(_cli.Project, "gone.py"))).ShouldBe(("v1\n", true));
        _server.Routes.ShouldBe(["GET /quota"]);
        Directory.EnumerateFileSystemEntries(_temporary).Where(static entry => entry.Contains("pyresolve", StringComparison.Ordinal))
            .ShouldBeEmpty();
    }

    [Fact]
    public async Task The_diff_can_be_applied_and_gives_what_the_upgrade_gives()
    {
        var diff = await DryRunAsync(Rewrites);

        var applied = await Command.RunAsync(
            "patch", ["-p1", "-s"], input: diff.Output, workingDirectory: _cli.Project,
            cancellationToken: TestContext.Current.CancellationToken);

        applied.OrThrow("patch");
        (_cli.Read("app.py"), _cli.Read("new file.py")).ShouldBe(("v2\n", "x"));
        File.Exists(Path.Combine(_cli.Project, "gone.py")).ShouldBeFalse();
        (await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "sh -c 'echo v2 > \"$1/app.py\"' sh {path}"))
            .Output.ShouldContain("Nothing to change");
    }

    [Fact]
    public async Task What_the_migrator_prints_does_not_mix_with_the_diff()
    {
        var result = await DryRunAsync("sh -c 'echo rewriting; echo v2 > \"$1/app.py\"' sh {path}");

        result.Output.ShouldStartWith("diff --git ");
        result.Output.ShouldNotContain("rewriting");
        result.Error.ShouldContain("rewriting\n");
    }

    [Fact]
    public async Task A_migrator_that_works_in_the_current_folder_works_in_the_copy()
    {
        var result = await DryRunAsync("sh -c 'echo v2 > app.py; test -d \"$1\"' sh {path}");

        result.ShouldSucceed();
        result.Output.ShouldContain("+v2\n");
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task A_migrator_that_changes_the_original_is_found_out()
    {
        var result = await DryRunAsync($"sh -c 'echo v2 > {_cli.Project}/app.py' sh {{path}}");

        result.ExitCode.ShouldBe(1);
        result.Error.ShouldContain("✗ . itself was changed during the dry run (1 file changed)");
        result.Error.ShouldContain("  A migrator has to keep to {path}.\n");
    }

    [Fact]
    public async Task A_symbolic_link_does_not_lead_out_of_the_copy()
    {
        using var elsewhere = new CliDriver().WithFile("target.py", "v1\n");
        File.CreateSymbolicLink(Path.Combine(_cli.Project, "link.py"), Path.Combine(elsewhere.Project, "target.py"));

        (await DryRunAsync("sh -c 'echo v2 > \"$1/link.py\"' sh {path}")).ShouldSucceed();

        elsewhere.Read("target.py").ShouldBe("v1\n");
    }

    [Theory]
    [InlineData("sh -c 'echo v2 > app.py'", 2, "needs a migrator whose command has {path}", "runs on a copy")]
    [InlineData("sh -c 'echo v2 > \"$1/app.py\"; exit 7' sh {path}", 1, "failed with exit code 7. Nothing was changed.", "The command was")]
    public async Task A_migrator_that_cannot_show_its_changes(string migrator, int exitCode, string cause, string next)
    {
        var result = await DryRunAsync(migrator);

        result.ExitCode.ShouldBe(exitCode, result.Error);
        result.Error.ShouldContain(cause);
        result.Error.ShouldContain(next is "runs on a copy" ? "mytool --rewrite {path}" : next);
        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task With_the_quota_used_up_tier1_is_still_shown_and_says_that_the_upgrade_would_be_refused()
    {
        _server.Account.UseUpQuota();

        var result = await DryRunAsync(Rewrites);

        result.ShouldSucceed();
        result.Error.ShouldContain("! The upgrade itself would be refused now: Monthly limit reached");
        result.Output.ShouldContain("+v2\n");
    }

    [Fact]
    public async Task What_an_LLM_would_change_is_not_shown_to_a_plan_without_one()
    {
        (await DryRunAsync(Rewrites, "--tier", "tier2")).ShouldFail(3, "LLM migrations (tier2, tier3) are not part of the free plan", "--tier tier1");
    }

    [Fact]
    public async Task The_diff_is_part_of_the_JSON()
    {
        var result = await DryRunAsync(Rewrites, "--json");

        result.ShouldSucceed();
        var report = result.Json();
        report.GetProperty("dry_run").GetBoolean().ShouldBeTrue();
        report.GetProperty("charged").GetBoolean().ShouldBeFalse();
        report.GetProperty("diff").GetString()!.ShouldContain("\n-v1\n+v2\n");
    }

    [Fact]
    public async Task An_interrupted_dry_run_leaves_nothing_behind()
    {
        var waits = $"sh -c 'touch {_temporary}/ready; exec sleep 300' sh {{path}}";
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--dry-run", "--migrator", waits);
        await Eventually.IsTrueAsync(
            () => File.Exists(Path.Combine(_temporary, "ready")), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        (await Command.RunAsync("kill", ["-TERM", $"{process.Id}"], cancellationToken: TestContext.Current.CancellationToken))
            .OrThrow("kill");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130);
        Directory.EnumerateDirectories(_temporary, "pyresolve-*").ShouldBeEmpty();
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
        Directory.Delete(_temporary, recursive: true);
    }

    private Task<CommandResult> DryRunAsync(string migrator, params string[] more) =>
        _cli.RunAsync(["upgrade", "pydantic", "--target", "2.0", "--dry-run", "--migrator", migrator, .. more]);
}
