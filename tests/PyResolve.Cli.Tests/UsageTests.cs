using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

public sealed class UsageTests : IDisposable
{
    private readonly CliDriver _cli = new();

    [Theory]
    [InlineData("--help")]
    [InlineData("upgrade --help")]
    [InlineData("status -h")]
    public async Task Help_explains_the_exit_codes(string arguments)
    {
        var result = await _cli.RunAsync(arguments.Split(' '));

        result.ShouldSucceed();
        result.Output.ShouldContain("3 denied by quota or plan");
        result.Output.ShouldContain("130 interrupted");
    }

    [Theory]
    [InlineData("bogus", "pyresolve has no command 'bogus'")]
    [InlineData("--bogus", "pyresolve has no option '--bogus'")]
    [InlineData("status now", "pyresolve status has no argument 'now'")]
    [InlineData("upgrade", "pyresolve upgrade needs --target <version>")]
    [InlineData("upgrade pydantic", "pyresolve upgrade needs --target <version>")]
    [InlineData("upgrade pydantic --target 2.0 --tier tier9", "--tier needs tier1, tier2 or tier3, not 'tier9'")]
    [InlineData("upgrade @file --target 2.0 --migrator true", "'@file' is not a library name")]
    [InlineData("upgrade -- --x --target 2.0", "pyresolve upgrade has no")]
    [InlineData("upgrade ../x --target 2.0", "'../x' is not a library name")]
    [InlineData("upgrade pydantic --target 2;0", "'2;0' is not a version")]
    [InlineData("upgrade pydantic --target 2.0 --path nowhere", "There is no folder or file nowhere")]
    [InlineData("upgrade django --target 5.0", "There is no migrator for django")]
    [InlineData("upgrade pydantic --target 2.0 --migrator '", "a ' is not closed")]
    [InlineData("login --key pyr_live_a --with-key", "not both")]
    [InlineData("login --key pyr_live_a --api-url here", "--api-url is not an http or https URL")]
    public async Task An_invalid_command_line_exits_with_2(string arguments, string cause)
    {
        var result = await _cli.RunAsync(arguments.Split(' '));

        result.ShouldFail(2, cause, next: "");
        result.Output.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("stauts", "Did you mean: pyresolve status")]
    [InlineData("upgarde pydantic", "Did you mean: pyresolve upgrade")]
    [InlineData("keys lsit", "Did you mean: pyresolve keys list")]
    [InlineData("status --jsn", "Did you mean: pyresolve status --json")]
    [InlineData("help stauts", "Did you mean: pyresolve status")]
    public async Task A_mistyped_command_says_what_was_probably_meant(string arguments, string suggestion) =>
        (await _cli.RunAsync(arguments.Split(' '))).ShouldFail(2, "has no", suggestion);

    [Fact]
    public async Task A_group_of_commands_alone_names_its_commands() =>
        (await _cli.RunAsync("keys")).ShouldFail(
            2, "pyresolve keys needs a command: list, create, rotate, revoke", "pyresolve keys --help");

    [Theory]
    [InlineData("--version")]
    [InlineData("-V")]
    public async Task The_version_is_one_line(string option) =>
        (await _cli.RunAsync(option)).Output.ShouldMatch(@"\A[0-9]+\.[0-9]+\.[0-9]+\n\z");

    [Theory]
    [InlineData("bash", "complete ")]
    [InlineData("zsh", "#compdef pyresolve")]
    [InlineData("fish", "complete -c pyresolve")]
    [InlineData("pwsh", "Register-ArgumentCompleter")]
    public async Task A_completion_script_is_printed_for_each_shell(string shell, string expected) =>
        (await _cli.RunAsync("completion", shell)).Output.ShouldContain(expected);

    [Fact]
    [Trait("Platform", "Unix")]
    public async Task The_script_for_bash_completes_a_command()
    {
        var script = (await _cli.RunAsync("completion", "bash")).Output;
        await File.WriteAllTextAsync(Path.Combine(_cli.Project, "script"), script, TestContext.Current.CancellationToken);
        var test = $$"""
            pyresolve() { {{CliDriver.ShellCommand}} "$@"; }
            source ./script
            COMP_LINE='pyresolve sta' COMP_POINT=13 COMP_WORDS=(pyresolve sta) COMP_CWORD=1
            _pyresolve
            echo "${COMPREPLY[@]}"
            """;

        var result = await Command.RunAsync(
            "bash", ["-c", test], workingDirectory: _cli.Project, cancellationToken: TestContext.Current.CancellationToken);

        result.Output.Trim().ShouldBe("status", result.Error);
    }

    [Fact]
    public async Task A_library_name_has_at_most_128_characters()
    {
        var result = await _cli.RunAsync("upgrade", new string('a', 129), "--target", "2.0", "--migrator", "true");

        result.ShouldFail(2, "is not a library name", "at most 128");
    }

    public void Dispose() => _cli.Dispose();
}
