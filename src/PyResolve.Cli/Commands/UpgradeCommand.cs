using System.CommandLine;
using System.Text.RegularExpressions;
using PyResolve.Cli.Base;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Commands;

internal static partial class UpgradeCommand
{
    /// <summary>How long the reservation lasts if this program is killed; otherwise it is settled earlier.</summary>
    private static readonly TimeSpan ReservationLifetime = TimeSpan.FromHours(2);

    private static readonly Argument<string> Library = new("library") { Description = "The library to upgrade: pydantic, for example." };

    private static readonly Option<string> Target =
        new("--target") { Description = "The version to upgrade to: 2.0, for example.", HelpName = "version", Required = true };

    private static readonly Option<string> PathOption =
        new("--path") { Description = "The folder, or file, to upgrade.", HelpName = "dir", DefaultValueFactory = _ => "." };

    private static readonly Option<string> Tier = new Option<string>("--tier")
    {
        Description = "What may be used: tier1 is deterministic; tier2 and tier3 call an LLM, and need a plan that allows it.",
        DefaultValueFactory = _ => "tier1",
    }.AcceptOnlyFromAmong("tier1", "tier2", "tier3");

    private static readonly Option<string?> MigratorOption = new("--migrator")
    {
        Description = "The program that rewrites the code; {path}, {library} and {target} are replaced. "
            + "Default: the library's entry in [migrators] of config.toml.",
        HelpName = "command",
    };

    private static readonly Option<int> Grace = new("--grace")
    {
        Description = "How long the migrator may take to end when this command is interrupted, before it is killed.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 10,
    };

    public static Command Create(Terminal terminal, StopSignals signals)
    {
        var command = new Command("upgrade", "Run a migrator over Python code, if the quota allows it. It counts when files have changed.")
        {
            Library, Target, PathOption, Tier, MigratorOption, Grace,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, signals, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, StopSignals signals, ParseResult parse, CancellationToken cancellationToken)
    {
        var profile = GlobalOptions.GetProfile(parse);
        var request = Request.From(parse);
        await using var client = ClientFactory.Create(profile);
        if (profile is not null && client.Keys.FindApiKey() is { Source: SettingSource.Environment } credential)
            client.Keys.WarnOfOverriddenKey(terminal, credential.Key);
        var migrator = FindMigrator(request, client.Keys);
        var migration = new MigrationRequest(PackageName.Normalize(request.Library), request.Tier) { TimeToLive = ReservationLifetime };
        await using var permit = await client.Quota.AcquireAsync(migration, cancellationToken);
        if (!permit.IsGranted)
            throw Failures.Describe(permit.Denial, profile);

        terminal.Line($"Upgrading {request.Library} to {request.Target} in {request.Path}");
        if (permit.IsOffline)
            terminal.Warning("This migration runs without the server, and is reported when the server is back.");
        else if (permit.ReservationId is null)
            terminal.Line("Not logged in: tier1 runs without an account, and is not metered.");
        else if (permit.Quota is { } quota)
            terminal.Line($"Quota this month: {QuotaText.FormatUsage(quota)}");

        var run = new MeteredRun(terminal, permit, migrator, profile, request.FullPath, request.Library, request.Target);
        return await run.RunAsync(signals, request.Grace);
    }

    private static Migrator FindMigrator(Request request, ApiKeyStore keys)
    {
        if (request.Migrator is { } command)
            return Migrator.Create(command, "--migrator", request.FullPath, request.Library, request.Target);

        var name = PackageName.Normalize(request.Library);
        var configured = keys.ReadSettings("migrators").FirstOrDefault(migrator => PackageName.Normalize(migrator.Key) == name).Value;
        return configured is null
            ? throw CliException.Usage(
                $"There is no migrator for {request.Library}.", "Give one: --migrator \"mytool --rewrite {path}\"",
                $"Or save it in {keys.ConfigPath}:", "  [migrators]", $"  {name} = \"mytool --rewrite {{path}}\"")
            : Migrator.Create(configured, $"[migrators] in {keys.ConfigPath}", request.FullPath, request.Library, request.Target);
    }

    private sealed partial record Request(
        string Library, string Target, string Path, string FullPath, MigrationTier Tier, string? Migrator, TimeSpan Grace)
    {
        public static Request From(ParseResult parse)
        {
            var library = parse.GetRequiredValue(UpgradeCommand.Library);
            var target = parse.GetRequiredValue(UpgradeCommand.Target);
            var path = parse.GetRequiredValue(PathOption);
            if (!PackageName.IsValid(library))
                throw CliException.Usage($"'{library}' is not a library name.", PackageName.Rule);
            if (!Version.IsMatch(target))
                throw CliException.Usage($"'{target}' is not a version.", "Write it as 2.0 or 2.0.0rc1.");
            if (!Directory.Exists(path) && !File.Exists(path))
                throw CliException.Usage($"There is no folder or file {path}.", "Give --path a folder that exists.");
            var tier = Enum.Parse<MigrationTier>(parse.GetRequiredValue(UpgradeCommand.Tier), ignoreCase: true);
            var grace = parse.GetRequiredValue(UpgradeCommand.Grace);
            if (grace is < 0 or > 3600)
                throw CliException.Usage($"--grace {grace} is not between 0 and 3600 seconds.", "Give a number of seconds, such as 10.");
            return new Request(
                library, target, path, System.IO.Path.GetFullPath(path), tier, parse.GetValue(MigratorOption), TimeSpan.FromSeconds(grace));
        }

        [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}\z", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
        private static partial Regex Version { get; }
    }
}
