using System.Globalization;
using System.Text.Json;
using PyResolve.Cli.Base;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Mcp;

/// <summary>The tools that run migrators: what <c>pyresolve upgrade</c> does, one after the other.</summary>
/// <param name="terminal">Gets warnings, and what migrators print, on standard error.</param>
/// <param name="profile">The value of <c>--profile</c>.</param>
internal sealed class McpUpgrades(McpProject project, Terminal terminal, StopSignals signals, string? profile) : IDisposable
{
    private static readonly string[] Names = ["library", "target", "path", "tier", "include", "exclude"];

    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    public async Task<McpResult> CheckAsync(McpCall call, Func<PyResolveClient> createClient, CancellationToken cancellationToken)
    {
        call.Arguments.CheckNames([.. Names, "diff"]);
        var (request, wantsDiff) = (project.Read(call.Arguments), call.Arguments.IsTrue("diff"));
        await using var client = createClient();
        var migrator = FindMigrator(request, client.Keys, request.FullPath);
        var check = await client.Quota.CheckAsync(request.Tier, cancellationToken);
        var preview = wantsDiff && check.IsAllowed ? await PreviewAsync(call, client, request, check.Quota, cancellationToken) : null;
        return McpTools.Answer(new CheckReport(
            request.Library,
            request.Target,
            QuotaText.NameOf(request.Tier),
            request.Path,
            migrator.ToString(),
            check.IsAllowed,
            Cost: client.Keys.FindApiKey() is null ? 0 : 1,
            check.Quota is null ? null : CliJson.Wire(check.Quota, WireJson.Default.QuotaSnapshot),
            check.Denial is { } denial ? McpRefusal.Describe(denial) : null,
            preview));
    }

    public async Task<McpResult> RunAsync(McpCall call, Func<PyResolveClient> createClient, CancellationToken cancellationToken)
    {
        call.Arguments.CheckNames(Names);
        var request = project.Read(call.Arguments);
        await using var client = createClient();
        var migrator = FindMigrator(request, client.Keys, request.FullPath);
        // Nobody is asked about what would be refused, and nothing is held while somebody thinks.
        var check = await client.Quota.CheckAsync(request.Tier, cancellationToken);
        if (check.Denial is { } refused)
            return McpTools.Refuse(McpRefusal.Describe(refused));
        if (call.ConfirmAsync is { } confirm && !await confirm(Ask(request, migrator, check.Quota)))
            return McpTools.Refuse(McpRefusal.DescribeDeclined());

        return await InTurnAsync(
            call,
            isDryRun: false,
            async (output, stop) =>
            {
                await using var permit = await UpgradePermit.AcquireAsync(client, request, cancellationToken);
                if (permit.Denial is { } denial)
                    return McpTools.Refuse(McpRefusal.Describe(denial));
                await new MeteredRun(output, permit, migrator, request, profile).RunAsync(stop);
                return null;
            },
            cancellationToken);
    }

    public void Dispose() => _oneAtATime.Dispose();

    private async Task<JsonElement?> PreviewAsync(
        McpCall call, PyResolveClient client, UpgradeRequest request, QuotaSnapshot? quota, CancellationToken cancellationToken)
    {
        var result = await InTurnAsync(
            call,
            isDryRun: true,
            async (output, stop) =>
            {
                await new DryRun(output, path => FindMigrator(request, client.Keys, path), request, quota).RunAsync(stop);
                return null;
            },
            cancellationToken);
        return result.Content;
    }

    /// <summary>Two migrators in one project would each count the other's changes.</summary>
    /// <param name="run">Returns what the tool answers; <see langword="null"/> for the result that it wrote.</param>
    private async Task<McpResult> InTurnAsync(
        McpCall call, bool isDryRun, Func<UpgradeOutput, StopSignals, Task<McpResult?>> run, CancellationToken cancellationToken)
    {
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            using var stop = signals.ForOne(cancellationToken);
            await using var written = new StringWriter(CultureInfo.InvariantCulture);
            using var output = new UpgradeOutput(terminal, written, isDryRun, Listen(call));
            return await run(output, stop) ?? Read(written.ToString());
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private static McpResult Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return new McpResult(document.RootElement.Clone(), json, IsError: false);
    }

    /// <summary>Only of the migrator's own progress: what a client is told has to increase.</summary>
    private static Action<ProgressState> Listen(McpCall call)
    {
        var last = -1L;
        return state =>
        {
            if (call.Report is null || state.What != ProgressState.Upgrading || state.Done <= last)
                return;
            last = state.Done;
            var file = state.File is { } name ? $", {PlainText.Of(name)}" : "";
            call.Report(new ProgressNote(state.Done, state.Total, $"{state.What}: {state.Count}{file}"));
        };
    }

    private static Migrator FindMigrator(UpgradeRequest request, ApiKeyStore keys, string path) =>
        Migrator.Find(request, keys, path) ?? throw CliException.Usage(
            $"There is no migrator for {request.Library}.", $"Ask the person to save one in {keys.ConfigPath}:", "  [migrators]",
            $"  {PackageName.Normalize(request.Library)} = \"mytool --rewrite {{path}}\"");

    private static string Ask(UpgradeRequest request, Migrator migrator, QuotaSnapshot? quota)
    {
        var where = request.Path == "." ? "this project" : request.Path;
        var cost = quota is null ? "No account pays for it."
            : quota.MigrationsLimit.IsUnlimited ? "It uses one migration; your plan has no limit."
            : $"It uses one of the {quota.MigrationsRemaining} migrations that are left this month, if it changes files.";
        return $"Upgrade {request.Library} to {request.Target} in {where}? {migrator} rewrites the code in place. {cost}";
    }
}
