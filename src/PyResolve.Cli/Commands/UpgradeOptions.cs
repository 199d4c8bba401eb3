using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Migrations;
using PyResolve.Client;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Commands;

internal static class UpgradeOptions
{
    public static readonly Argument<string> Library = new("library") { Description = "The library to upgrade: pydantic, for example." };

    public static readonly Option<string> Target =
        new("--target") { Description = "The version to upgrade to: 2.0, for example.", HelpName = "version", Required = true };

    public static readonly Option<string> Folder =
        new("--path") { Description = "The folder, or file, to upgrade.", HelpName = "dir", DefaultValueFactory = _ => "." };

    public static readonly Option<string> Tier = new Option<string>("--tier")
    {
        Description = "tier1 is deterministic; tier2 and tier3 call an LLM, and need a plan that allows it.",
        DefaultValueFactory = _ => "tier1",
    }.AcceptOnlyFromAmong("tier1", "tier2", "tier3");

    public static readonly Option<bool> Tier1Only = new("--tier1-only") { Description = "The same as --tier tier1." };

    public static readonly Option<string?> Migrator = new("--migrator")
    {
        Description = "What rewrites the code; {path}, {library} and {target} are replaced. "
            + "Default: [migrators] in config.toml, then what is built in.",
        HelpName = "command",
    };

    public static readonly Option<string[]> Include = new("--include")
    {
        Description = "Upgrade only files that match: 'src/**/*.py'.",
        HelpName = "glob",
    };

    public static readonly Option<string[]> Exclude = new("--exclude")
    {
        Description = "Leave out files and folders that match: tests.",
        HelpName = "glob",
    };

    public static readonly Option<bool> Remote =
        new("--remote") { Description = "Send the Python files, and upgrade on the server." };

    public static readonly Option<bool> DryRun =
        new("--dry-run") { Description = "Show the changes as a diff, and change nothing." };

    public static readonly Option<int> Grace = new("--grace")
    {
        Description = "How long the migrator has to end when interrupted.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 10,
    };

    public static readonly Option<bool> NoProgress =
        new("--no-progress") { Description = "Leave the terminal to the migrator." };

    public static UpgradeRequest Read(ParseResult parse)
    {
        var library = parse.GetRequiredValue(Library);
        var target = parse.GetRequiredValue(Target);
        var path = parse.GetRequiredValue(Folder);
        UpgradeRequest.Check(library, target);
        if (parse.GetValue(Remote) && parse.GetValue(Migrator) is not null)
            throw CliException.Usage("--remote and --migrator contradict each other: the server has its own.", "Give one of them.");
        if (!Directory.Exists(path) && !File.Exists(path))
            throw CliException.Usage($"There is no folder or file {path}.", "Give --path a folder that exists.");
        var grace = parse.GetRequiredValue(Grace);
        if (grace is < 0 or > 3600)
            throw CliException.Usage($"--grace {grace} is not between 0 and 3600 seconds.", "Give a number of seconds, such as 10.");
        return new UpgradeRequest(
            library, target, path, Path.GetFullPath(path), ReadTier(parse), ReadSelection(parse), parse.GetValue(Migrator),
            TimeSpan.FromSeconds(grace));
    }

    private static MigrationTier ReadTier(ParseResult parse)
    {
        var tier = parse.GetRequiredValue(Tier);
        if (parse.GetValue(Tier1Only) && tier != "tier1")
            throw CliException.Usage($"--tier1-only and --tier {tier} contradict each other.", "Give one of them.");
        return Enum.Parse<MigrationTier>(tier, ignoreCase: true);
    }

    private static FileSelection ReadSelection(ParseResult parse)
    {
        string[] include = parse.GetValue(Include) ?? [], exclude = parse.GetValue(Exclude) ?? [];
        try
        {
            return FileSelection.Create(include, exclude);
        }
        catch (FormatException e)
        {
            throw CliException.Usage(
                $"A pattern of --include or --exclude cannot be used: {e.Message}.",
                "Write it relative to --path, as: --include 'src/**/*.py' --exclude tests");
        }
    }
}
