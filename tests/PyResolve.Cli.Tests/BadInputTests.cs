using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Commands;
using PyResolve.Cli.Help;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Tests.Infrastructure;

namespace PyResolve.Cli.Tests;

/// <summary>A value that is missing or wrong: the message names it, and the next line says what to write.</summary>
public sealed class BadInputTests : IDisposable
{
    private readonly CliDriver _cli = new();
    private readonly CommandTreeReader _tree = new();
    private readonly FakePyResolveServer _server = FakeServer.Start();

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void An_option_without_its_value_says_how_it_is_written(string command)
    {
        foreach (var option in ValueOptionsOf(command))
        {
            var failure = FindMisuse(command, option.Name);

            failure.Message.ShouldStartWith($"{option.Name} needs ");
            failure.Next[0].ShouldBe($"Use: {CommandHelp.Signature(option)}");
        }
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void An_option_with_a_value_that_it_does_not_take_says_which_it_takes(string command)
    {
        foreach (var option in ValueOptionsOf(command).Where(IsRestricted))
        {
            var failure = FindMisuse(command, option.Name, "wrong");

            failure.Message.ShouldMatch($"{option.Name} needs (a whole number|.+ or .+), not 'wrong'\\.");
            failure.Next[0].ShouldBe($"Use: {CommandHelp.Signature(option)}");
        }
    }

    [Theory, MemberData(nameof(CommandTreeReader.Commands), MemberType = typeof(CommandTreeReader))]
    public void A_required_argument_or_option_that_is_missing_is_named_with_an_example(string command)
    {
        var found = _tree.Find(command);
        var argument = found.Arguments.FirstOrDefault(static one => one.Arity.MinimumNumberOfValues > 0 && !one.HasDefaultValue);
        var option = found.Options.FirstOrDefault(static one => one.Required);
        if (argument is null && option is null)
            return;

        var failure = FindMisuse(command);

        var argumentName = argument is null ? "" : CommandHelp.Placeholder(argument);
        var optionName = option is null ? "" : CommandHelp.Signature(option);
        new[] { argumentName, optionName }.Select(name => $"{CommandHelp.FullName(found)} needs {name}.").ShouldContain(failure.Message);
        failure.Next[1].ShouldMatch("^For example: .*pyresolve ");
    }

    [Theory]
    [InlineData("completion bsh", "<bash|fish|pwsh|zsh> needs bash, fish, pwsh or zsh, not 'bsh'.", "Did you mean: bash")]
    [InlineData("upgrade pydantic --target 2.0 --tier teir2", "--tier needs tier1, tier2 or tier3, not 'teir2'.", "Did you mean: tier2")]
    [InlineData("upgrade pydantic --target 2.0 --target 3.0", "--target is given 2 times.", "Give it once.")]
    [InlineData("prepay take ten", "<migrations> needs a whole number, not 'ten'.", "Use: pyresolve prepay take <migrations> [options]")]
    [InlineData("keys", "pyresolve keys needs a command: list, create, rotate, revoke.", "See: pyresolve keys --help")]
    public void A_value_that_cannot_be_read_is_quoted(string arguments, string cause, string next)
    {
        var failure = Misuse.Find(_tree.Root.Parse(arguments.Split(' '))).ShouldNotBeNull();

        (failure.ExitCode, failure.Message, failure.Next[0]).ShouldBe((ExitCodes.Usage, cause, next));
    }

    [Theory]
    [InlineData("upgrade 'py dantic' --target 2.0", "'py dantic' is not a library name.", "letters, digits")]
    [InlineData("upgrade pydantic --target two/0", "'two/0' is not a version.", "Write it as 2.0")]
    [InlineData("upgrade pydantic --target 2.0 --path nowhere", "There is no folder or file nowhere.", "Give --path a folder that exists.")]
    [InlineData("upgrade pydantic --target 2.0 --migrator ''", "migrator", "--migrator")]
    [InlineData("upgrade pydantic --target 2.0 --include ../x", "A pattern of --include", "--include 'src/**/*.py'")]
    [InlineData("upgrade pydantic --target 2.0 --exclude /x", "A pattern of --include or --exclude", "--exclude tests")]
    [InlineData("upgrade pydantic --target 2.0 --grace 4000", "--grace 4000 is not between 0 and 3600 seconds.", "such as 10")]
    [InlineData("upgrade pydantic --target 2.0 --tier tier2 --tier1-only", "contradict each other", "Give one of them.")]
    [InlineData("usage --month november", "'november' is not a month.", "Write it as 2026-11.")]
    [InlineData("usage --csv --history", "Give one of --history and --csv", "pyresolve usage --help")]
    [InlineData("prepay take 0", "0 is not between 1 and 1000 migrations.", "pyresolve prepay take 10")]
    [InlineData("prepay take 5 --days 8", "--days 8 is not between 1 and 7.", "pyresolve prepay take --help")]
    [InlineData("holds release", "Give the id of a reservation, or --all.", "pyresolve holds list")]
    [InlineData("keys create --expires-in-days 0", "--expires-in-days 0 is not between 1 and 3650.", "such as 90")]
    [InlineData("keys rotate 3fa1c0de77b2 --grace-seconds -1", "--grace-seconds -1 is not between 0 and 2592000.", "such as 3600")]
    [InlineData("plan upgrade gold", "Invalid plan.", "To compare the plans: pyresolve plan")]
    [InlineData("profiles use nowhere", "There is no profile 'nowhere'", "pyresolve login --profile nowhere")]
    [InlineData("profiles remove nowhere", "There is no profile 'nowhere'", "pyresolve profiles list")]
    [InlineData("config get a..b", "'a..b' is not the name of a setting.", "migrators.pydantic")]
    [InlineData("config set api_key pyr_live_x", "A key is not given as an argument", "pyresolve login --with-key")]
    [InlineData("config set api_url nonsense", "'nonsense' is not an http or https URL.", "https://api.pyresolve.dev")]
    [InlineData("config set profile work", "The profile in use is not set here.", "pyresolve profiles use work")]
    [InlineData("config set migrators tool", "migrators is a table, not a setting.", "migrators.<name>")]
    [InlineData("login --api-url nonsense", "--api-url is not an http or https URL: nonsense", "https://api.pyresolve.dev")]
    [InlineData("login --with-key --email ada@example.com", "Give --email or a key, not both.", "pyresolve login --help")]
    [InlineData("signup --email nonsense --password-stdin --profile new", "The email ", "pyresolve signup")]
    [InlineData("status --profile 'a b'", "'a b' is not a profile name.", "1 to 64 characters")]
    [InlineData("help stauts", "pyresolve has no command 'stauts'.", "Did you mean: pyresolve status")]
    public async Task A_value_that_makes_no_sense_is_a_usage_error(string arguments, string cause, string next)
    {
        _cli.WithLogin(_server).Environment["PYRESOLVE_API_URL"] = _server.Address;

        (await _cli.RunWithInputAsync("a long enough password\n", [.. CommandWords.Split(arguments)])).ShouldFail(2, cause, next);
    }

    [Theory]
    [InlineData("holds release 3fa1c0de77b2", 1, "Nothing is held with the id '3fa1c0de77b2'.", "pyresolve holds list")]
    [InlineData("keys revoke 3fa1c0de77b2 --password-stdin", 1, "There is no key '3fa1c0de77b2'.", "pyresolve keys list")]
    [InlineData("config get migrators.numpy", 1, "migrators.numpy is not set", "pyresolve config set migrators.numpy")]
    [InlineData("login --key abc", 4, "Invalid API key format.", "pyresolve login")]
    [InlineData("login --email bob@example.com --password-stdin", 4, "Nothing was saved.", "pyresolve login")]
    public async Task A_name_of_nothing_says_where_to_find_the_right_one(string arguments, int exitCode, string cause, string next)
    {
        _cli.WithLogin(_server).Environment["PYRESOLVE_API_URL"] = _server.Address;

        (await _cli.RunWithInputAsync($"{_server.Account.Password}\n", arguments.Split(' '))).ShouldFail(exitCode, cause, next);
    }

    public void Dispose()
    {
        _server.Dispose();
        _tree.Dispose();
        _cli.Dispose();
    }

    private static bool IsRestricted(Option option) =>
        CommandHelp.Choices(option).Count > 0 || option.ValueType == typeof(int) || option.ValueType == typeof(int?);

    private IEnumerable<Option> ValueOptionsOf(string command) =>
        _tree.Find(command).Options.Where(static option => option.ValueType != typeof(bool) && option.Arity.MaximumNumberOfValues > 0);

    private CliException FindMisuse(string command, params string[] more)
    {
        var failure = Misuse.Find(_tree.Root.Parse([.. CommandTreeReader.Split(command), .. more])).ShouldNotBeNull();
        failure.ExitCode.ShouldBe(ExitCodes.Usage);
        failure.Next[^1].ShouldBe($"See: {CommandHelp.FullName(_tree.Find(command))} --help");
        return failure;
    }
}
