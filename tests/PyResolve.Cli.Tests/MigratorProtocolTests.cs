using System.Diagnostics;
using System.Globalization;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>What docs/migrators.md promises to programs that report.</summary>
[Trait("Platform", "Unix")]
public sealed class MigratorProtocolTests : IDisposable
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly FakePyResolveServer _server = FakeServer.Start();

    public MigratorProtocolTests() => _cli.WithLogin(_server);

    [Fact]
    public async Task Tokens_are_added_up_and_are_part_of_the_usage()
    {
        var result = await ReportAsync("""
            {"type":"tokens","used":1200}
            {"type":"tokens","used":34}
            """);

        result.ShouldSucceed();
        result.Output.ShouldContain("  Tokens used: 1,234\n");
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(1234);
    }

    [Fact]
    public async Task The_summary_of_the_migrator_is_shown_and_its_messages_go_to_standard_error()
    {
        var result = await ReportAsync("""
            {"type":"log","message":"reading"}
            {"type":"log","level":"warning","message":"app.py:3 was left alone"}
            {"type":"result","summary":"Rewrote 1 of 1 files."}
            """);

        result.Output.ShouldContain("1 file changed\n  Rewrote 1 of 1 files.\n");
        result.Error.ShouldContain("  reading\n! app.py:3 was left alone\n");
        result.Error.ShouldNotContain("could not be read");
    }

    [Theory]
    [InlineData("not JSON", "a line is not JSON")]
    [InlineData("[1]", "a line is not JSON")]
    [InlineData("{}", "a line is not an object with a type")]
    [InlineData("""{"type":"tokens","used":-1}""", "a message of the type tokens lacks a member, or has one out of range")]
    [InlineData("""{"type":"tokens","used":"many"}""", "a line is not JSON, or a member has another type")]
    [InlineData("""{"type":"progress"}""", "a message of the type progress lacks a member")]
    public async Task A_line_that_is_no_message_is_left_out_and_mentioned_once(string line, string reason)
    {
        var result = await ReportAsync($$"""
            {{line}}
            {"type":"tokens","used":7}
            """);

        result.ShouldSucceed();
        result.Error.ShouldContain($"! 1 line of the migrator's channel could not be read: {reason}");
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(7);
    }

    [Fact]
    public async Task A_message_of_a_later_version_is_left_out_silently()
    {
        var result = await ReportAsync("""{"type":"cost","eur":3}""");

        result.ShouldSucceed();
        result.Error.ShouldNotContain("could not be read");
    }

    [Fact]
    public async Task Broken_UTF8_an_endless_line_and_a_last_line_without_an_end_are_survived()
    {
        const string Script = """
            {
              printf '{"type":"log","message":"\377"}\n'
              head -c 10000000 /dev/zero | tr '\0' x; echo
              printf '{"type":"tokens","used":5}'
            } > "$PYRESOLVE_MIGRATOR_CHANNEL"
            echo v2 > app.py
            """;

        var result = await UpgradeAsync(Script);

        result.ShouldSucceed();
        result.Error.ShouldContain("2 lines of the migrator's channel could not be read: a line is not UTF-8.");
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(5);
    }

    [Fact]
    public async Task More_tokens_than_an_event_can_have_are_cut_off()
    {
        var result = await ReportAsync("""
            {"type":"tokens","used":9000000000000000000}
            {"type":"tokens","used":1}
            """);

        result.ShouldSucceed();
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(int.MaxValue);
    }

    [Fact]
    public async Task Control_characters_of_a_migrator_do_not_reach_the_terminal()
    {
        var result = await ReportAsync("""{"type":"log","level":"error","message":"a\u001b[2Jb\nc"}""");

        result.Error.ShouldContain("! a [2Jb c\n");
    }

    [Fact]
    public async Task A_program_that_the_migrator_leaves_running_does_not_hold_up_the_end()
    {
        // It holds the channel, but not standard output and error, which this test reads to their end.
        var result = await UpgradeAsync(
            """
            sleep 60 >/dev/null 2>&1 &
            echo $! > .git/pid
            echo '{"type":"tokens","used":3}' > "$PYRESOLVE_MIGRATOR_CHANNEL"
            echo v2 > app.py
            """).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        result.ShouldSucceed();
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(3);
        using var left = Process.GetProcessById(int.Parse(_cli.Read(".git/pid"), CultureInfo.InvariantCulture));
        left.Kill();
    }

    [Fact]
    public async Task The_migrator_is_told_the_version_and_what_is_selected()
    {
        var result = await UpgradeAsync(
            """printf '%s|%s|%s' "$PYRESOLVE_MIGRATOR_PROTOCOL" "$PYRESOLVE_MIGRATOR_INCLUDE" "$PYRESOLVE_MIGRATOR_EXCLUDE" > app.py""",
            "--include", "*.py", "--include", "src", "--exclude", "tests");

        result.ShouldSucceed();
        _cli.Read("app.py").ShouldBe("1|*.py\nsrc|tests");
    }

    [Fact]
    public async Task A_migrator_that_ignores_the_selection_is_charged_for_what_it_did_and_the_files_are_named()
    {
        var result = await UpgradeAsync("echo v2 > app.py; echo v2 > other.py", "--include", "other.py");

        result.ShouldSucceed();
        result.Output.ShouldContain("1 file changed, 1 added");
        result.Error.ShouldContain("! Changed although --include and --exclude leave it out: app.py\n");
        _server.Account.Events.ShouldHaveSingleItem().FilesChanged.ShouldBe(2);
    }

    [Theory]
    [InlineData("/etc/**")]
    [InlineData("../other")]
    [InlineData("a\\b")]
    [InlineData("")]
    public async Task A_pattern_that_can_match_nothing_is_refused(string pattern)
    {
        (await UpgradeAsync("true", "--include", pattern)).ShouldFail(2, "A pattern of --include or --exclude cannot be used", "--path");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
    }

    private Task<CommandResult> ReportAsync(string lines)
    {
        _cli.WithFile(".git/lines", lines + "\n");
        return UpgradeAsync("cat .git/lines > \"$PYRESOLVE_MIGRATOR_CHANNEL\"; echo v2 > app.py");
    }

    private Task<CommandResult> UpgradeAsync(string script, params string[] more)
    {
        _cli.WithFile(".git/migrate.sh", script);
        return _cli.RunAsync(["upgrade", "pydantic", "--target", "2.0", "--migrator", "sh .git/migrate.sh", .. more]);
    }
}
