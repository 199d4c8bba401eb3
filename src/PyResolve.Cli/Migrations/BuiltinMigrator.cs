using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Migrators.Pydantic;

namespace PyResolve.Cli.Migrations;

/// <summary>
/// The migrators inside this program. They run as a process of their own, like any other: signals, time to end and killing are the same.
/// </summary>
internal static class BuiltinMigrator
{
    /// <summary>The name in <c>[migrators]</c>, and the argument that makes this program that migrator.</summary>
    public const string Pydantic = "builtin:pydantic";

    private const string Prefix = "builtin:";

    /// <summary>The one for a library when nothing is configured.</summary>
    public static string? FindDefault(string normalizedLibrary) => normalizedLibrary == "pydantic" ? Pydantic : null;

    public static bool IsNamed(string command) => command.StartsWith(Prefix, StringComparison.Ordinal);

    public static IReadOnlyList<string> GetWords(string command, string origin, string path, UpgradeRequest request)
    {
        if (command != Pydantic)
            throw CliException.Usage($"There is no migrator {command}.", $"Fix it in {origin}. There is: {Pydantic}");
        if (PackageName.Normalize(request.Library) != "pydantic")
            throw CliException.Usage($"{Pydantic} does not upgrade {request.Library}.", $"Name another migrator in {origin}.");
        if (request.Target.Split('.')[0] != "2")
        {
            throw CliException.Usage(
                $"{Pydantic} upgrades pydantic 1 to 2, not to {request.Target}.", "Use --target 2.0, or name another migrator.");
        }
        if (request.Tier != MigrationTier.Tier1)
        {
            throw CliException.Usage(
                $"{Pydantic} is deterministic: it does not use what {QuotaText.NameOf(request.Tier)} pays for.",
                "Use --tier1-only, or name another migrator: --migrator \"mytool --rewrite {path}\"");
        }
        return [.. OwnProgram(), command, path];
    }

    public static int Run(string path, Terminal terminal, StopSignals signals)
    {
        try
        {
            return PydanticMigration.Run(path, terminal.Output, terminal.ErrorOutput, signals.Requested);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
    }

    /// <summary>The native program or the tool's launcher; the portable program needs <c>dotnet</c>.</summary>
    private static string[] OwnProgram()
    {
        var program = Environment.ProcessPath ?? throw Migrator.CannotStart("this program's own path is not known");
        return Path.GetFileNameWithoutExtension(program) == "dotnet"
            ? [program, Path.Combine(AppContext.BaseDirectory, "pyresolve.dll")]
            : [program];
    }
}
