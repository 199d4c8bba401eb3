using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static class GlobalOptions
{
    public static readonly Option<string?> Profile = new("--profile")
    {
        Description = "The server and account to use, of those in config.toml. Default: PYRESOLVE_PROFILE, then the file's own choice.",
        HelpName = "name",
        Recursive = true,
    };

    public static string? ProfileOf(ParseResult parse)
    {
        var name = parse.GetValue(Profile);
        try
        {
            _ = new ApiKeyStore(profile: name);
            return name;
        }
        catch (ArgumentException)
        {
            throw CliException.Usage($"'{name}' is not a profile name.", "A profile name has 1 to 64 letters, digits, - and _.");
        }
    }
}
