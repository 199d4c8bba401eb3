using System.Text;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary><c>upgrade --remote</c>: what is sent, what is written here, and what is charged.</summary>
[Trait("Platform", "Unix")]
public sealed class RemoteUpgradeTests : IDisposable
{
    private const string Diff = """
        diff --git a/app.py b/app.py
        --- a/app.py
        +++ b/app.py
        @@ -1 +1 @@
        -v1
        +v2

        """;

    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n").WithFile("pkg/other.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public RemoteUpgradeTests()
    {
        _cli.WithLogin(_server);
        _server.Migrator = _ => Changing(("app.py", "v2\n"));
    }

    [Fact]
    public async Task Python_files_are_sent_and_the_changes_are_shown_written_and_charged()
    {
        _cli.WithFile("pyproject.toml", "[project]\n").WithFile(".env", "SECRET=1\n").WithFile("data.csv", "1\n");
        _cli.WithFile(".git/config", "").WithFile("env/pyvenv.cfg", "").WithFile("env/lib.py", "").WithFile("app.pyc", "");
        _server.Migrator = _ => Changing(("app.py", "v2\n")) with { Log = "Rewrote 1 file.\n", TokensUsed = 1_200 };

        var result = await UpgradeAsync();

        result.ShouldSucceed();
        var sent = _server.Requests.ShouldHaveSingleItem().Json();
        sent.GetProperty("files").EnumerateObject().Select(static file => file.Name)
            .ShouldBe(["app.py", "pkg/other.py", "pyproject.toml"], ignoreOrder: true);
        (sent.GetProperty("library").GetString(), sent.GetProperty("tier").GetString()).ShouldBe(("pydantic", "tier1"));
        result.Output.ShouldBe($"""
            Upgrading pydantic to 2.0 in ., on the server
            Sending 3 files to {_server.Address}
            Rewrote 1 file.
            {Diff}✓ Upgraded pydantic to 2.0: 1 file changed
              Tokens used: 1,200
              Quota this month: 3/5 used, 2 remaining
              See the changes: git diff

            """);
        _cli.Read("app.py").ShouldBe("v2\n");
        _server.Account.Events.ShouldHaveSingleItem().FilesChanged.ShouldBe(1);
    }

    [Fact]
    public async Task The_commands_of_the_page_about_migrating_show_the_diff_and_write_it()
    {
        var commands = File.ReadAllLines(Approved.PathOf("docs/migrate.md"))
            .Where(static line => line.StartsWith("pyresolve upgrade pydantic --target 2.0 --remote", StringComparison.Ordinal))
            .Select(static line => line.Split('#')[0].Trim().Split(' ')[1..]).ToList();

        var shown = await _cli.RunAsync(commands[0]);
        var before = _cli.Read("app.py");
        var upgraded = await _cli.RunAsync(commands[1]);

        commands.Count.ShouldBe(2);
        (shown.Output, before).ShouldBe((Diff, "v1\n"));
        upgraded.ShouldSucceed();
        _cli.Read("app.py").ShouldBe("v2\n");
    }

    [Fact]
    public async Task A_dry_run_writes_nothing_and_pays_for_the_upgrade_that_follows()
    {
        var shown = await UpgradeAsync("--dry-run");
        var (content, used) = (_cli.Read("app.py"), _server.Account.MigrationsUsed);
        var upgraded = await UpgradeAsync();

        shown.ShouldSucceed();
        shown.Output.ShouldBe(Diff);
        shown.Error.ShouldContain("Nothing was changed here. One migration was used: the upgrade itself costs nothing more");
        (content, used).ShouldBe(("v1\n", 3));
        upgraded.ShouldSucceed();
        (_cli.Read("app.py"), _server.Account.MigrationsUsed).ShouldBe(("v2\n", 3));
    }

    [Fact]
    public async Task Files_are_added_and_removed_and_keep_their_mode_byte_order_mark_and_line_ends()
    {
        _cli.WithFile("tool.py", "\uFEFF# v1\r\n");
        var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        File.SetUnixFileMode(Path.Combine(_cli.Project, "tool.py"), mode);
        _server.Migrator = sent => Changing(
            ("tool.py", sent.Files!["tool.py"].Replace("v1", "v2")), ("app.py", null), ("pkg/sub/new.py", "n\n"));

        var result = await UpgradeAsync();

        result.ShouldSucceed();
        result.Output.ShouldContain("1 file changed, 1 added, 1 removed\n");
        var bytes = await File.ReadAllBytesAsync(Path.Combine(_cli.Project, "tool.py"), TestContext.Current.CancellationToken);
        bytes.ShouldBe(Encoding.UTF8.GetBytes("\uFEFF# v2\r\n"));
        File.GetUnixFileMode(Path.Combine(_cli.Project, "tool.py")).ShouldBe(mode);
        File.Exists(Path.Combine(_cli.Project, "app.py")).ShouldBeFalse();
        _cli.Read("pkg/sub/new.py").ShouldBe("n\n");
    }

    [Fact]
    public async Task What_changes_nothing_or_fails_costs_nothing()
    {
        _server.Migrator = _ => new();
        var nothing = await UpgradeAsync();
        _server.Migrator = _ => new() { Failure = "it ended with the code 3", Log = "no such\nversion\n" };
        var failed = await UpgradeAsync();

        nothing.ShouldSucceed();
        nothing.Output.ShouldContain("✓ Nothing to change\n  No migration was used. Quota this month: 2/5 used, 3 remaining\n");
        failed.ShouldFail(
            1, "it ended with the code 3. Nothing was charged. Its last output: no such version", "Nothing was changed here.");
        _server.Account.MigrationsUsed.ShouldBe(2);
    }

    [Fact]
    public async Task A_refusal_says_why_and_has_the_exit_code_of_an_upgrade_here()
    {
        (await UpgradeAsync("--tier", "tier2")).ShouldFail(3, "LLM migrations (tier2, tier3) are not part of the free plan", "tier1");
        _server.Account.UseUpQuota();
        (await UpgradeAsync()).ShouldFail(3, "Monthly limit reached (5 migrations ", "Nothing was changed here.");
        _server.Account.MigrationsUsed = 0;
        _server.Migrator = null;
        (await UpgradeAsync()).ShouldFail(2, "library: has no migrator on this server.", "without --remote");
        (await UpgradeAsync("--migrator", "true")).ShouldFail(2, "--remote and --migrator contradict each other", "Give one of them.");
        _cli.WithConfig($"api_key = \"{_server.Account.AddApiKey("quota")}\"\napi_url = \"{_server.Address}\"\n");
        (await UpgradeAsync()).ShouldFail(4, "lacks the scope 'migrate'", "Use a key that has this scope.");
        _cli.WithConfig($"api_url = \"{_server.Address}\"\n");
        (await UpgradeAsync()).ShouldFail(4, "Not logged in", "pyresolve login");

        _cli.Read("app.py").ShouldBe("v1\n");
    }

    [Fact]
    public async Task The_decision_is_explained_later()
    {
        (await UpgradeAsync()).ShouldSucceed();
        var granted = await _cli.RunAsync("status", "--explain");
        (await UpgradeAsync("--tier", "tier2")).ExitCode.ShouldBe(3);
        var denied = await _cli.RunAsync("status", "--explain");

        granted.Output.ShouldContain("pydantic, tier1, granted\n  Why:        The server granted it, and did the work itself.\n");
        denied.Output.ShouldContain("pydantic, tier2, denied\n  Why:        LLM migrations (tier2, tier3) are not part of the free plan");
    }

    [Fact]
    public async Task A_server_that_is_away_ends_it_with_5()
    {
        _server.Dispose();

        (await UpgradeAsync()).ShouldFail(5, "Cannot reach", "Nothing was changed here.");
    }

    [Fact]
    public async Task More_than_the_server_takes_is_refused_before_anything_is_sent()
    {
        for (var i = 0; i < 2_000; i++)
            _cli.WithFile($"many/m{i}.py", "");
        (await UpgradeAsync()).ShouldFail(2, ". has more than the 2,000 files that the server takes at a time.", "--path src/api");
        (await UpgradeAsync("--exclude", "many")).ShouldSucceed();
        _cli.WithFile("large.py", new string('#', 8 * 1024 * 1024));
        (await UpgradeAsync("--exclude", "many")).ShouldFail(2, "larger than the 8 MiB that the server takes", "--exclude tests");
        (await UpgradeAsync("--include", "*.rs")).ShouldFail(2, "There is no file to send in .", "--include");

        _server.Requests.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task What_is_not_text_is_named_and_stays_here()
    {
        await File.WriteAllBytesAsync(
            Path.Combine(_cli.Project, "latin.py"), [(byte)'#', 0xE9, (byte)'\n'], TestContext.Current.CancellationToken);

        var result = await UpgradeAsync();

        result.ShouldSucceed();
        result.Error.ShouldContain("! Not sent: latin.py (it is not UTF-8)\n");
    }

    [Fact]
    public async Task A_file_that_changes_meanwhile_is_not_overwritten_and_the_changes_are_kept()
    {
        _server.Migrator = _ =>
        {
            _cli.WithFile("app.py", "mine\n");
            return Changing(("app.py", "v2\n"), ("pkg/other.py", "v2\n"));
        };

        var result = await UpgradeAsync();
        var patch = PatchIn(result.Error);
        _cli.WithFile("app.py", "v1\n");
        var applied = await Command.RunAsync(
            "patch", ["-p1", "-s", "-i", patch], workingDirectory: _cli.Project, cancellationToken: TestContext.Current.CancellationToken);

        result.ShouldFail(1, "app.py was changed while the server worked. Nothing was changed; one migration was used.", "git apply");
        applied.OrThrow("patch");
        (_cli.Read("app.py"), _cli.Read("pkg/other.py")).ShouldBe(("v2\n", "v2\n"));
        File.Delete(patch);
    }

    [Theory]
    [InlineData("../outside.py")]
    [InlineData("/outside.py")]
    [InlineData(".git/hooks/pre-commit")]
    [InlineData("pkg/../.git/config")]
    [InlineData(".GIT/hooks/pre-commit")]
    [InlineData(".git./config")]
    [InlineData("GIT~1/config")]
    [InlineData(".github/workflows/x.yml")]
    [InlineData("pkg/.envrc")]
    [InlineData("link/outside.py")]
    [InlineData("notes.txt")]
    public async Task A_server_changes_nothing_but_what_it_was_sent(string path)
    {
        _cli.WithFile("notes.txt", "mine\n");
        Directory.CreateSymbolicLink(Path.Combine(_cli.Project, "link"), _cli.Home);
        _server.Migrator = _ => Changing(("app.py", "v2\n"), (path, "theirs\n"));

        var result = await UpgradeAsync();

        result.ExitCode.ShouldBe(1, result.Output);
        (_cli.Read("app.py"), _cli.Read("notes.txt")).ShouldBe(("v1\n", "mine\n"));
        Directory.EnumerateFiles(Path.GetDirectoryName(_cli.Project)!, "*", SearchOption.AllDirectories)
            .ShouldNotContain(static file => file.EndsWith("outside.py", StringComparison.Ordinal));
        Directory.Exists(Path.Combine(_cli.Project, ".git")).ShouldBeFalse();
    }

    [Fact]
    public async Task A_lost_answer_is_asked_for_again_and_charged_once()
    {
        _server.Inject(Fault.DropAnswer, "POST /migrate");

        (await UpgradeAsync()).ShouldSucceed();

        (_cli.Read("app.py"), _server.Account.MigrationsUsed).ShouldBe(("v2\n", 3));
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    [InlineData("HUP")]
    public async Task An_interrupted_upgrade_is_cancelled_on_the_server_and_costs_nothing(string signal)
    {
        _server.Migrator = _ => Changing(("app.py", "v2\n")) with { Duration = TimeSpan.FromMinutes(5) };
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--remote");
        await Eventually.IsTrueAsync(
            () => _server.Account.Holds.Count == 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await SendAsync(signal, process.Id);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130, error);
        error.ShouldContain("✗ Interrupted. Nothing was changed here.\n  No migration was used.\n");
        _server.Routes[^1].ShouldBe("DELETE /migrate/*");
        (_server.Account.MigrationsUsed, _server.Account.Quota.MigrationsHeld, _cli.Read("app.py")).ShouldBe((2, 0, "v1\n"));
    }

    [Fact]
    public async Task An_upgrade_that_is_interrupted_when_the_work_is_done_keeps_the_changes()
    {
        var work = TimeSpan.FromMinutes(5);
        _server.Migrator = _ => Changing(("app.py", "v2\n")) with { Duration = work };
        _server.Inject(Fault.Delay(work), "DELETE /migrate/*");
        using var process = _cli.Start("upgrade", "pydantic", "--target", "2.0", "--remote");
        await Eventually.IsTrueAsync(
            () => _server.Account.Holds.Count == 1, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await SendAsync("INT", process.Id);
        await Eventually.IsTrueAsync(
            () => _server.Routes.Contains("DELETE /migrate/*"), TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        _server.Clock.Advance(work);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(130, error);
        error.ShouldContain("✗ Interrupted, when the server had done the work. Nothing was changed here; one migration was used.");
        (await File.ReadAllTextAsync(PatchIn(error), TestContext.Current.CancellationToken)).ShouldBe(Diff);
        _cli.Read("app.py").ShouldBe("v1\n");
        File.Delete(PatchIn(error));
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private static FakeMigration Changing(params (string Path, string? Content)[] files) =>
        new() { Files = files.ToDictionary(static file => file.Path, static file => file.Content) };

    private static string PatchIn(string error)
    {
        const string Before = "The changes are in ";
        return error.Split('\n').Single(static line => line.Contains(Before, StringComparison.Ordinal)).Trim()[Before.Length..];
    }

    private static async Task SendAsync(string signal, int processId) => (await Command.RunAsync(
        "kill", [$"-{signal}", $"{processId}"], cancellationToken: TestContext.Current.CancellationToken)).OrThrow("kill");

    private Task<CommandResult> UpgradeAsync(params string[] more) =>
        _cli.RunAsync(["upgrade", "pydantic", "--target", "2.0", "--remote", .. more]);
}
