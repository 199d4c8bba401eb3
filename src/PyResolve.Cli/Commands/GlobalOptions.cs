using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class GlobalOptions
{
    public static readonly Option<string?> Profile = new("--profile")
    {
        Description = "The profile in config.toml to use. Default: PYRESOLVE_PROFILE, then 'profile' in config.toml.",
        HelpName = "name",
        Recursive = true,
    };

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
