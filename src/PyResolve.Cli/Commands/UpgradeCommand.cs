using System.CommandLine;
using System.Text.RegularExpressions;
using PyResolve.Cli.Errors;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static partial class UpgradeCommand
{
    private static readonly Argument<string> Library = new("library") { Description = "The library to upgrade: pydantic, for example." };

    private static readonly Option<string> Target = new("--target") { Description = "The version to upgrade to: 2.0, for example.", HelpName = "version", Required = true };

    private static readonly Option<string> PathOption = new("--path")
    {
        Description = "The folder, or file, to upgrade.",
        HelpName = "dir",
        DefaultValueFactory = _ => ".",
    };

    private static readonly Option<string> Tier = new Option<string>("--tier")
    {
        Description = "What may be used: tier1 is deterministic; tier2 and tier3 call an LLM, and need a plan that allows it.",
        DefaultValueFactory = _ => "tier1",
    }.AcceptOnlyFromAmong("tier1", "tier2", "tier3");

    private static readonly Option<string?> MigratorOption = new("--migrator")
    {
        Description = "The program that rewrites the code, with {path}, {library} and {target} filled in. Default: the library's in [migrators] of config.toml.",
        HelpName = "command",
    };

    public static Command Create(Terminal terminal)
    {
        var command = new Command("upgrade", "Run a migrator over Python code, if the quota allows it. It counts when files really changed.")
        {
            Library, Target, PathOption, Tier, MigratorOption,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, GlobalOptions.ProfileOf(parse), Request.From(parse), cancellationToken));
        return command;
    }

    /// <summary>How long the migration is held if this program dies; every orderly end settles it sooner.</summary>
    private static readonly TimeSpan LongestRun = TimeSpan.FromHours(2);

    private static async Task<int> RunAsync(Terminal terminal, string? profile, Request request, CancellationToken cancellationToken)
    {
        await using var client = Connection.Open(profile);
        if (profile is not null && client.Keys.FindApiKey() is { Source: SettingSource.Environment } credential)
            client.Keys.WarnOfOverriddenKey(terminal, credential.Key);
        var migrator = FindMigrator(request, client.Keys);
        await using var permit = await client.Quota.AcquireAsync(new MigrationRequest(PackageName.Normalize(request.Library), request.Tier) { TimeToLive = LongestRun }, cancellationToken);
        if (!permit.IsGranted)
            throw Failures.Describe(permit.Denial);

        terminal.Line($"Upgrading {request.Library} to {request.Target} in {request.Path}");
        if (permit.IsOffline)
            terminal.Warning("This migration goes on without the server, and is reported when it is back.");
        else if (permit.ReservationId is null)
            terminal.Line("Not logged in: tier1 runs without an account, and is not metered.");
        else if (permit.Quota is { } quota)
            terminal.Line($"Quota this month: {QuotaText.Used(quota)}");

        return await new MeteredRun(terminal, permit, migrator, request.FullPath, request.Library, request.Target).RunAsync(cancellationToken);
    }

    private static Migrator FindMigrator(Request request, ApiKeyStore keys)
    {
        if (request.Migrator is { } command)
            return Migrator.Create(command, "--migrator", request.FullPath, request.Library, request.Target);

        var name = PackageName.Normalize(request.Library);
        var configured = ConfigFile.Load(keys.ConfigPath).Strings("migrators").FirstOrDefault(m => PackageName.Normalize(m.Key) == name).Value;
        return configured is null
            ? throw new CliException(
                ExitCodes.Usage,
                $"There is no migrator for {request.Library}.",
                "Name one: --migrator \"mytool --rewrite {path}\"",
                $"Or keep it in {keys.ConfigPath}:",
                "  [migrators]",
                $"  {name} = \"mytool --rewrite {{path}}\"")
            : Migrator.Create(configured, $"[migrators] in {keys.ConfigPath}", request.FullPath, request.Library, request.Target);
    }

    /// <summary>What was asked for, checked before anything is sent or run.</summary>
    private sealed partial record Request(string Library, string Target, string Path, string FullPath, MigrationTier Tier, string? Migrator)
    {
        public static Request From(ParseResult parse)
        {
            var library = parse.GetRequiredValue(UpgradeCommand.Library);
            var target = parse.GetRequiredValue(UpgradeCommand.Target);
            var path = parse.GetRequiredValue(PathOption);
            if (!PackageName.IsValid(library))
                throw Mistake($"'{library}' is no library's name.", $"A name has letters, digits, '.', '-' and '_', at most {PackageName.MaxLength} of them.");
            if (!Version.IsMatch(target))
                throw Mistake($"'{target}' is no version.", "Write it as 2.0 or 2.0.0rc1.");
            if (!Directory.Exists(path) && !File.Exists(path))
                throw Mistake($"There is no folder or file {path}.", "Give --path a folder that exists.");
            var tier = parse.GetRequiredValue(UpgradeCommand.Tier) switch
            {
                "tier2" => MigrationTier.Tier2,
                "tier3" => MigrationTier.Tier3,
                _ => MigrationTier.Tier1,
            };
            return new Request(library, target, path, System.IO.Path.GetFullPath(path), tier, parse.GetValue(MigratorOption));
        }

        private static CliException Mistake(string cause, string next) => new(ExitCodes.Usage, cause, next);

        [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
        private static partial Regex Version { get; }
    }
}
