using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class GlobalOptions
{
    public static readonly Option<string?> Profile = new("--profile")
    {
        Description = "The profile in config.toml to use.",
        HelpName = "name",
        Recursive = true,
    };

    public static readonly Option<bool> NoInput = new("--no-input")
    {
        Description = "Never ask: fail, and say which option answers.",
        Recursive = true,
    };

    /// <summary>Of each command that shows something.</summary>
    public static readonly Option<bool> Json =
        new("--json") { Description = "Write JSON; errors too, to standard error." };

    public static string? GetProfile(ParseResult parse)
    {
        var name = parse.GetValue(Profile);
        try
        {
            // Checks the name.
            _ = new ApiKeyStore(profile: name);
            return name;
        }
        catch (ArgumentException)
        {
            throw CliException.Usage(
                $"'{name}' is not a profile name.", "A profile name has 1 to 64 characters: letters, digits, - and _.");
        }
    }
}
