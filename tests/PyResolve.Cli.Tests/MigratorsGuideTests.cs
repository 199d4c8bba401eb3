using System.Text.RegularExpressions;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>
/// The commands, the configurations and the code of docs/migrators.md, word by word. Other projects' programs are stand-ins.
/// </summary>
[Trait("Platform", "Linux")]
public sealed partial class MigratorsGuideTests : IDisposable
{
    private static readonly string Page = File.ReadAllText(Approved.PathOf("docs/migrators.md")).ReplaceLineEndings("\n");

    private readonly CliDriver _cli = new CliDriver().WithFile(
        "app.py", "from pydantic import BaseModel\n\n\nclass User(BaseModel):\n    nick: str | None\n");

    private readonly FakePyResolveServer _server = FakeServer.Start();
    private readonly DirectoryInfo _programs = Directory.CreateTempSubdirectory("pyresolve-programs-");

    public MigratorsGuideTests()
    {
        _cli.WithLogin(_server);
        _cli.Environment["PATH"] = $"{_programs.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
    }

    [Fact]
    public async Task The_built_in_migrator_is_shown_and_run_by_the_commands_of_the_page()
    {
        var commands = Blocks("").Single(static block => block.Contains("--dry-run", StringComparison.Ordinal)).Trim().Split('\n');

        var shown = await RunAsync(commands[0]);
        var upgraded = await RunAsync(commands[1]);

        shown.Output.ShouldContain("+    nick: str | None = None\n");
        upgraded.ShouldSucceed();
        _cli.Read("app.py").ShouldContain("nick: str | None = None\n");
    }

    [Fact]
    public async Task A_program_of_the_config_file_gets_the_words_of_the_page()
    {
        await ConfigureAsync("mytool --library");
        Program("mytool", "printf '%s\\n' \"$@\" > \"$5/words\"");

        (await RunAsync("pyresolve upgrade numpy --target 2.0")).ShouldSucceed();

        _cli.Read("words").ShouldBe($"--library\nnumpy\n--to\n2.0\n{_cli.Project}\n");
    }

    [Fact]
    public async Task The_configuration_for_bump_pydantic_starts_it_in_the_folder_with_a_relative_path()
    {
        await ConfigureAsync("bump-pydantic");
        Program("bump-pydantic", "[ \"$*\" = '--log-file /dev/null .' ] && echo v2 > app.py");

        (await RunAsync("pyresolve upgrade pydantic --target 2.0 --path ../project")).ShouldSucceed();

        _cli.Read("app.py").ShouldBe("v2\n");
    }

    [Fact]
    public async Task The_configuration_for_codeshift_plans_and_applies()
    {
        await ConfigureAsync("codeshift upgrade");
        Program("codeshift", $"""
            case "$*" in
              'upgrade pydantic --target 2.0 --path {_cli.Project}') mkdir .codeshift; echo plan > .codeshift/plan ;;
              'apply --yes --path {_cli.Project}') cat .codeshift/plan > app.py ;;
              *) exit 9 ;;
            esac
            """);

        (await RunAsync("pyresolve upgrade pydantic --target 2.0")).ShouldSucceed();

        _cli.Read("app.py").ShouldBe("plan\n");
        _server.Account.Events.ShouldHaveSingleItem().FilesChanged.ShouldBe(1);
    }

    [Fact]
    public async Task The_Python_code_of_the_page_reports_progress_and_tokens()
    {
        var code = Blocks("python").Single();
        var before = """
            files = ["app.py"]

            def rewrite(file):
                with open(file, "w") as f:
                    f.write("v2\n")
                return 1234


            """;
        _cli.WithFile("tool.py", before + code);

        var result = await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "python3 tool.py");

        result.ShouldSucceed();
        result.Output.ShouldContain("  Tokens used: 1,234\n");
        result.Error.ShouldNotContain("could not be read");
        _server.Account.Events.ShouldHaveSingleItem().TokensUsed.ShouldBe(1_234);
    }

    [Fact]
    public async Task The_line_of_a_shell_of_the_page_is_a_warning()
    {
        _cli.WithFile("tool.sh", Blocks("sh").Single() + "echo v2 > app.py\n");

        var result = await _cli.RunAsync("upgrade", "pydantic", "--target", "2.0", "--migrator", "sh tool.sh");

        result.ShouldSucceed();
        result.Error.ShouldContain("! left app.py alone\n");
    }

    public void Dispose()
    {
        _server.Dispose();
        _cli.Dispose();
        _programs.Delete(recursive: true);
    }

    private static IEnumerable<string> Blocks(string language) => Fence().Matches(Page)
        .Where(match => match.Groups["language"].Value == language).Select(static match => match.Groups["text"].Value);

    private Task ConfigureAsync(string text) => File.AppendAllTextAsync(
        _cli.ConfigPath, Blocks("toml").Single(block => block.Contains(text, StringComparison.Ordinal)),
        TestContext.Current.CancellationToken);

    private Task<CommandResult> RunAsync(string command) => _cli.RunAsync(command.Split('#')[0].Trim().Split(' ')[1..]);

    private void Program(string name, string script)
    {
        var path = Path.Combine(_programs.FullName, name);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    [GeneratedRegex(
        "^```(?<language>[a-z]*)\n(?<text>.*?)^```$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Fence();
}
