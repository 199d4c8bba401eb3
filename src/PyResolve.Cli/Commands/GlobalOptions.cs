using System.CommandLine;
using PyResolve.Cli.Errors;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Profile = new("--profile")
    {
        Description = "The server and account to use, of those in config.toml. Default: PYRESOLVE_PROFILE, then the file's own choice.",
        HelpName = "name",
        Recursive = true,
    };

    /// <returns><see langword="null"/> where none is named on the command line.</returns>
    public static string? ProfileOf(ParseResult parse) => parse.GetValue(Profile) is not { } name || ApiKeyStore.IsProfile(name)
        ? parse.GetValue(Profile)
        : throw new CliException(ExitCodes.Usage, $"'{name}' is no name of a profile.", "A profile has 1 to 64 letters, digits, - and _.");
}
