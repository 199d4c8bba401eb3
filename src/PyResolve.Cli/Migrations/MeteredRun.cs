using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>Runs a migrator under a permit: it costs a migration when it succeeds and changes files, and nothing otherwise.</summary>
internal sealed class MeteredRun(UpgradeOutput output, QuotaPermit permit, Migrator migrator, UpgradeRequest request, string? profile)
{
    private readonly MigratorProcess _process = new(migrator, request.Selection, output);

    public async Task<int> RunAsync(StopSignals signals)
    {
        var before = await TakeSnapshotAsync(signals.Requested);
        int exitCode;
        try
        {
            exitCode = await _process.RunAsync(signals, request.Grace);
        }
        catch (OperationCanceledException)
        {
            const string Cause = "Interrupted. The migrator was stopped; what it had changed by then stays changed.";
            throw new CliException(ExitCodes.Interrupted, Cause, await ReleaseAsync());
        }

        // From here on signals are ignored: only the accounting is left, which takes a second.
        var changes = before.ChangesTo(UpgradeSnapshots.Take(output, request, request.FullPath, CancellationToken.None));
        if (_process.Report.Misunderstood is { } misunderstood)
            output.Warning(misunderstood);
        if (exitCode != 0)
        {
            var files = QuotaText.Pluralize(changes.Total, "file");
            var changed = changes.Total == 0 ? "No file was changed." : $"{files} had been changed by then.";
            var cause = $"The migrator failed with exit code {exitCode}. {changed}";
            throw new CliException(ExitCodes.Failure, cause, await ReleaseAsync(), $"The command was: {migrator}");
        }

        UpgradeSnapshots.WarnOfOutside(output, changes);
        if (changes.Total == 0)
            await EndUnchangedAsync();
        else
            await EndChangedAsync(changes);
        if (output.IsJson)
            output.Result(CliJson.Write(UpgradeTexts.Report(request, changes, _process.Report, permit, permit.Quota)) + "\n");
        return ExitCodes.Success;
    }

    private async Task<FolderSnapshot> TakeSnapshotAsync(CancellationToken cancellationToken)
    {
        try
        {
            return UpgradeSnapshots.TakeFirst(output, request, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(ExitCodes.Interrupted, "Interrupted. Nothing was run and nothing was changed.", await ReleaseAsync());
        }
        catch (CliException e)
        {
            throw new CliException(e.ExitCode, e.Message, [.. e.Next, await ReleaseAsync()]);
        }
    }

    private async Task EndUnchangedAsync()
    {
        output.Success("Nothing to change");
        _process.Report.ShowSummary();
        output.Line($"  {await ReleaseAsync()}");
    }

    private async Task EndChangedAsync(FolderChanges changes)
    {
        var quotaBefore = permit.Quota;
        await CompleteAsync(changes);
        output.Success($"Upgraded {request.Library} to {request.Target}: {UpgradeTexts.Describe(changes)}");
        _process.Report.ShowSummary();
        // The permit has a new quota only if the server answered, and so has recorded the work.
        if (!permit.IsOffline && quotaBefore is not null && ReferenceEquals(quotaBefore, permit.Quota))
            output.Warning("The server cannot be reached now. The migration is kept on disk, and reported when the server is back.");
        else if (permit.ReservationId is not null && permit.Quota is { } quota)
            output.Line($"  Quota this month: {QuotaText.FormatUsage(quota)}");
        if (UpgradeTexts.FindDiffCommand(request) is { } command)
            output.Line($"  See the changes: {command}");
    }

    private async Task CompleteAsync(FolderChanges changes)
    {
        try
        {
            var outcome = new MigrationOutcome { FilesChanged = changes.Total, TokensUsed = _process.Report.TokensUsed };
            await permit.CompleteAsync(outcome, CancellationToken.None);
        }
        catch (PyResolveException e)
        {
            var failure = Failures.Describe(e, profile);
            var cause = $"The code was upgraded ({UpgradeTexts.Describe(changes)}), but this could not be reported: {failure.Message}";
            throw new CliException(failure.ExitCode, cause, [.. failure.Next]);
        }
    }

    private async Task<string> ReleaseAsync()
    {
        if (permit.IsOffline)
        {
            await permit.DisposeAsync();
            return "No migration was used.";
        }
        if (permit.ReservationId is null)
            return "Nothing is metered without an account.";
        var quotaBefore = permit.Quota;
        await permit.DisposeAsync();
        // Disposing never throws; the permit has a new quota only if the server answered.
        if (!ReferenceEquals(quotaBefore, permit.Quota))
            return $"No migration was used. Quota this month: {QuotaText.FormatUsage(permit.Quota!)}";
        var end = permit.ExpiresAt is { } expiresAt ? $" at {expiresAt.UtcDateTime:HH:mm} UTC" : "";
        return $"No migration was used. The reservation could not be released now, and expires{end}.";
    }
}
