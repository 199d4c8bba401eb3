using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class UpgradeCommand
{
    public const string CommandName = "upgrade";

    public static Command Create(Terminal terminal, StopSignals signals)
    {
        var command = new ExplainedCommand(
            CommandName, "Upgrade Python code, if the quota allows it. Runs a migrator, and counts when it has changed files.",
            "pyresolve upgrade pydantic --target 2.0 --path src",
            "pyresolve upgrade pydantic --target 2.0 --dry-run",
            "pyresolve upgrade pydantic --target 2.0 --remote",
            "pyresolve upgrade pydantic --target 2.0 --migrator \"bump-pydantic {path}\"")
        {
            UpgradeOptions.Library,
            UpgradeOptions.Target,
            UpgradeOptions.Folder,
            UpgradeOptions.Include,
            UpgradeOptions.Exclude,
            UpgradeOptions.DryRun,
            UpgradeOptions.Remote,
            UpgradeOptions.Tier,
            UpgradeOptions.Tier1Only,
            UpgradeOptions.Migrator,
            UpgradeOptions.Grace,
            UpgradeOptions.NoProgress,
            GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) => RunAsync(terminal, signals, parse, cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, StopSignals signals, ParseResult parse, CancellationToken cancellationToken)
    {
        var profile = GlobalOptions.GetProfile(parse);
        var request = UpgradeOptions.Read(parse);
        var isRemote = parse.GetValue(UpgradeOptions.Remote);
        await using var client = isRemote ? ClientFactory.CreateToSend(profile) : ClientFactory.Create(profile);
        if (profile is not null && client.Keys.FindApiKey() is { Source: SettingSource.Environment } credential)
            client.Keys.WarnOfOverriddenKey(terminal, credential.Key);
        var isDryRun = parse.GetValue(UpgradeOptions.DryRun);
        using var output = new UpgradeOutput(
            terminal, parse.GetValue(GlobalOptions.Json), isDryRun, showsProgress: !parse.GetValue(UpgradeOptions.NoProgress));
        if (isRemote)
            return await new RemoteUpgrade(output, client, request, profile).RunAsync(signals);
        return isDryRun
            ? await ShowAsync(output, client, request, profile, signals, cancellationToken)
            : await UpgradeAsync(output, client, request, profile, signals, cancellationToken);
    }

    private static async Task<int> UpgradeAsync(
        UpgradeOutput output, PyResolveClient client, UpgradeRequest request, string? profile, StopSignals signals,
        CancellationToken cancellationToken)
    {
        var migrator = FindMigrator(request, client.Keys, request.FullPath);
        await using var permit = await UpgradePermit.AcquireAsync(client, request, cancellationToken);
        if (!permit.IsGranted)
            throw Failures.Describe(permit.Denial, profile);

        output.Line($"Upgrading {request.Library} to {request.Target} in {request.Path}");
        if (permit.IsOffline)
            output.Warning("This migration runs without the server, and is reported when the server is back.");
        else if (permit.ReservationId is null)
            output.Line("Not logged in: tier1 runs without an account, and is not metered.");
        else if (permit.Quota is { } quota)
            output.Line($"Quota this month: {QuotaText.FormatUsage(quota)}");

        return await new MeteredRun(output, permit, migrator, request, profile).RunAsync(signals);
    }

    /// <summary>
    /// Nothing is reserved. An upgrade with an LLM that would be refused is not shown either: its diff is what the plan is paid for.
    /// </summary>
    private static async Task<int> ShowAsync(
        UpgradeOutput output, PyResolveClient client, UpgradeRequest request, string? profile, StopSignals signals,
        CancellationToken cancellationToken)
    {
        _ = FindMigrator(request, client.Keys, request.FullPath);
        var check = await client.Quota.CheckAsync(request.Tier, cancellationToken);
        if (check.Denial is { } denial)
        {
            if (request.Tier != MigrationTier.Tier1 || denial.Code != ProblemCodes.QuotaExceeded)
                throw Failures.Describe(denial, profile);
            output.Warning($"The upgrade itself would be refused now: {denial.Cause}");
        }

        output.Line($"Dry run: {request.Library} to {request.Target} in {request.Path}");
        if (check.Quota is { } quota)
            output.Line($"Quota this month: {QuotaText.FormatUsage(quota)}");
        var run = new DryRun(output, path => FindMigrator(request, client.Keys, path), request, check.Quota);
        return await run.RunAsync(signals);
    }

    /// <param name="path">What it is to work on.</param>
    private static Migrator FindMigrator(UpgradeRequest request, ApiKeyStore keys, string path) =>
        Migrator.Find(request, keys, path) ?? throw CliException.Usage(
            $"There is no migrator for {request.Library}.", "Give one: --migrator \"mytool --rewrite {path}\"",
            $"Or save it in {keys.ConfigPath}:", "  [migrators]",
            $"  {PackageName.Normalize(request.Library)} = \"mytool --rewrite {{path}}\"");
}
