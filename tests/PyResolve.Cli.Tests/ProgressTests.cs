using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class ProgressTests : IDisposable
{
    private readonly CliDriver _cli = new CliDriver().WithFile("app.py", "v1\n");
    private readonly StringWriter _error = new();
    private readonly TestClock _clock = new();

    [Fact]
    public void A_line_fits_every_width_and_shows_what_there_is_room_for()
    {
        var state = new ProgressState("Upgrading", 125, 240, "src/some/long/path/of/a/module.py");

        for (var columns = 1; columns <= 200; columns++)
            Format(state, columns).Length.ShouldBeLessThan(Math.Max(columns, 1));

        Format(state, 12).ShouldBe("Upgrading  ");
        Format(state, 50).ShouldBe("Upgrading  125/240 files  1:05  …h/of/a/module.py");
        Format(state, 60).ShouldBe("███████████░░░░░░░░░  52 %  Upgrading  125/240 files  1:05");
        Format(state, 80).ShouldBe("███████████░░░░░░░░░  52 %  Upgrading  125/240 files  1:05  …ath/of/a/module.py");
    }

    [Fact]
    public void Without_a_total_there_is_the_number_and_the_time() =>
        Format(new ProgressState("Reading", 1), 80).ShouldBe("Reading  1 file  1:05");

    [Fact]
    public void The_redrawn_line_disappears_before_anything_else_is_written()
    {
        using var progress = Display(ProgressStyle.Redrawn);
        progress.Start("Upgrading");
        progress.Report(1, 4, "a.py");
        _clock.Advance(TimeSpan.FromMilliseconds(100));

        progress.Write(() => _error.Write("! warning\n"));
        progress.Stop();
        _clock.Advance(TimeSpan.FromSeconds(1));

        _error.ToString().ShouldBe("\e[?7l\r█████░░░░░░░░░░░░░░░  25 %  Upgrading  1/4 files  0:00  a.py\e[K\e[?7h\r\e[K! warning\n");
    }

    [Fact]
    public void Nothing_is_drawn_behind_an_unfinished_line_of_the_migrator()
    {
        using var progress = Display(ProgressStyle.Redrawn);
        progress.Start("Upgrading");
        using var output = new MemoryStream();

        progress.Pass(output, "Continue? "u8);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var asked = _error.ToString();
        progress.Pass(output, "y\n"u8);
        _clock.Advance(TimeSpan.FromSeconds(1));

        asked.ShouldBeEmpty();
        _error.ToString().ShouldContain("Upgrading  0:02");
    }

    [Fact]
    public void A_log_gets_a_line_for_each_tenth_and_one_in_between_when_nothing_moves()
    {
        using var progress = Display(ProgressStyle.Lines);
        progress.Start("Upgrading");

        for (var done = 0; done < 100; done++)
        {
            progress.Report(done, 100, "a.py");
            _clock.Advance(TimeSpan.FromMilliseconds(500));
        }
        _clock.Advance(TimeSpan.FromSeconds(15));

        var lines = _error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBeInRange(9, 11);
        lines[0].ShouldBe("  Upgrading: 10/100 files, 10 %, 0:05");
        lines.Last().ShouldContain("99/100 files, 99 %, 1:0");
    }

    [Theory]
    [InlineData(80)]
    [InlineData(20)]
    [Trait("Platform", "Linux")]
    public async Task A_terminal_shows_one_line_that_is_gone_at_the_end(int columns)
    {
        const string Slow = """
            i=0
            while [ $i -lt 20 ]; do
              i=$((i+1)); echo "{\"type\":\"progress\",\"done\":$i,\"total\":20,\"file\":\"a$i.py\"}" > "$PYRESOLVE_MIGRATOR_CHANNEL"; sleep 0.1
            done
            echo printed
            """;
        _cli.WithConfig("").WithFile(".git/slow.sh", Slow);

        var result = await _cli.RunInTerminalAsync(
            columns, "upgrade", "pydantic", "--target", "2.0", "--migrator", "sh .git/slow.sh");

        result.ExitCode.ShouldBe(0, result.Screen);
        // The screen has \n for every \r.
        var drawn = result.Screen.Split("\e[?7l\n").Skip(1).Select(static part => part.Split("\e[K")[0]).ToList();
        drawn.Count.ShouldBeGreaterThan(5);
        drawn.ShouldAllBe(line => line.Length < columns);
        drawn.ShouldContain(line => line.Contains(columns == 80 ? "/20 files" : "Upgrading", StringComparison.Ordinal));
        result.Screen.ShouldContain("\n\e[Kprinted\n");
        result.Screen.ShouldEndWith("Nothing is metered without an account.\n");
    }

    [Fact]
    [Trait("Platform", "Linux")]
    public async Task With_no_progress_the_migrator_has_the_terminal_itself()
    {
        _cli.WithConfig("");

        const string Looks = "sh -c 'test -t 1 && test -t 2 && echo is a terminal'";
        var result = await _cli.RunInTerminalAsync(80, "upgrade", "pydantic", "--target", "2.0", "--no-progress", "--migrator", Looks);

        result.Text.ShouldContain("is a terminal");
        result.Screen.ShouldNotContain("\e[?7l");
    }

    public void Dispose()
    {
        _error.Dispose();
        _cli.Dispose();
    }

    private Terminal Terminal() => new(
        TextWriter.Null, _error, static () => TextReader.Null, colourOutput: false, colourError: false, isInteractive: false, isAscii: false);

    private ProgressDisplay Display(ProgressStyle style) => new(Terminal(), style, static () => 80, _clock);

    private string Format(ProgressState state, int columns) =>
        ProgressLine.Format(Terminal(), state, TimeSpan.FromSeconds(65), columns);
}
