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
        result.Output.ShouldContain("3    denied");
        result.Output.ShouldContain("130  interrupted");
    }

    [Theory]
    [InlineData("bogus", "pyresolve has no command 'bogus'")]
    [InlineData("--bogus", "pyresolve has no option '--bogus'")]
    [InlineData("status now", "pyresolve status has no argument 'now'")]
    [InlineData("upgrade", "is required")]
    [InlineData("upgrade pydantic", "'--target' is required")]
    [InlineData("upgrade pydantic --target 2.0 --tier tier9", "'tier9' not recognized")]
    [InlineData("upgrade @file --target 2.0 --migrator true", "'@file' is not a library name")]
    [InlineData("upgrade -- --x --target 2.0", "pyresolve upgrade has no")]
    [InlineData("upgrade ../x --target 2.0", "'../x' is not a library name")]
    [InlineData("upgrade pydantic --target 2;0", "'2;0' is not a version")]
    [InlineData("upgrade pydantic --target 2.0 --path nowhere", "There is no folder or file nowhere")]
    [InlineData("upgrade pydantic --target 2.0", "There is no migrator for pydantic")]
    [InlineData("upgrade pydantic --target 2.0 --migrator '", "a ' is not closed")]
    [InlineData("login --key pyr_live_a --with-key", "not both")]
    [InlineData("login --key pyr_live_a --api-url here", "--api-url is not an http or https URL")]
    public async Task An_invalid_command_line_exits_with_2(string arguments, string cause)
    {
        var result = await _cli.RunAsync(arguments.Split(' '));

        result.ShouldFail(2, cause, next: "");
        result.Output.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_library_name_has_at_most_128_characters()
    {
        var result = await _cli.RunAsync("upgrade", new string('a', 129), "--target", "2.0", "--migrator", "true");

        result.ShouldFail(2, "is not a library name", "at most 128");
    }

    public void Dispose() => _cli.Dispose();
}
