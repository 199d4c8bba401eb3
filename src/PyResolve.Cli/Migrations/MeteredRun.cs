using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>Runs a migrator under a permit: it costs a migration when it succeeds and changes files, and nothing otherwise.</summary>
internal sealed class MeteredRun(
    Terminal terminal, QuotaPermit permit, Migrator migrator, string? profile, string path, string library, string target)
{
    private const int NamedFiles = 5;

    public async Task<int> RunAsync(StopSignals signals, TimeSpan grace)
    {
        var before = await TakeSnapshotAsync(signals.Requested);
        int exitCode;
        try
        {
            exitCode = await migrator.RunAsync(signals, grace);
        }
        catch (OperationCanceledException)
        {
            const string Cause = "Interrupted. The migrator was stopped; what it had changed by then stays changed.";
            throw new CliException(ExitCodes.Interrupted, Cause, await ReleaseAsync());
        }

        // From here on signals are ignored: only the accounting is left, which takes a second.
        var changes = before.ChangesTo(FolderSnapshot.Take(path, CancellationToken.None));
        if (exitCode != 0)
        {
            var files = QuotaText.Pluralize(changes.Total, "file");
            var changed = changes.Total == 0 ? "No file was changed." : $"{files} had been changed by then.";
            var cause = $"The migrator failed with exit code {exitCode}. {changed}";
            throw new CliException(ExitCodes.Failure, cause, await ReleaseAsync(), $"The command was: {migrator}");
        }
        if (changes.Total == 0)
        {
            terminal.Success("Nothing to change");
            terminal.Line($"  {await ReleaseAsync()}");
            return ExitCodes.Success;
        }

        var quotaBefore = permit.Quota;
        await CompleteAsync(changes);
        terminal.Success($"Upgraded {library} to {target}: {Describe(changes)}");
        // The permit has a new quota only if the server answered, and so has recorded the work.
        if (!permit.IsOffline && quotaBefore is not null && ReferenceEquals(quotaBefore, permit.Quota))
            terminal.Warning("The server cannot be reached now. The migration is kept on disk, and reported when the server is back.");
        else if (permit.ReservationId is not null && permit.Quota is { } quota)
            terminal.Line($"  Quota this month: {QuotaText.FormatUsage(quota)}");
        return ExitCodes.Success;
    }

    private async Task<FolderSnapshot> TakeSnapshotAsync(CancellationToken cancellationToken)
    {
        FolderSnapshot snapshot;
        try
        {
            snapshot = FolderSnapshot.Take(path, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(ExitCodes.Interrupted, "Interrupted. Nothing was run and nothing was changed.", await ReleaseAsync());
        }

        if (snapshot.Unreadable.TryGetValue(".", out var reason))
        {
            throw new CliException(
                ExitCodes.Failure, $"{path} cannot be read: {reason}.", "Give --path a folder that you may read.", await ReleaseAsync());
        }
        foreach (var (file, why) in snapshot.Unreadable.Take(NamedFiles))
            terminal.Warning($"Left out: {file} ({why})");
        if (snapshot.Unreadable.Count > NamedFiles)
            terminal.Warning($"Left out: {snapshot.Unreadable.Count - NamedFiles} more that cannot be read");
        return snapshot;
    }

    private async Task CompleteAsync(FolderChanges changes)
    {
        try
        {
            await permit.CompleteAsync(new MigrationOutcome { FilesChanged = changes.Total }, CancellationToken.None);
        }
        catch (PyResolveException e)
        {
            var failure = Failures.Describe(e, profile);
            var cause = $"The code was upgraded ({Describe(changes)}), but this could not be reported: {failure.Message}";
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

    private static string Describe(FolderChanges changes)
    {
        (int Number, string What)[] parts = [(changes.Modified, "changed"), (changes.Added, "added"), (changes.Removed, "removed")];
        var present = parts.Where(part => part.Number > 0).ToList();
        var first = $"{QuotaText.Pluralize(present[0].Number, "file")} {present[0].What}";
        return first + string.Concat(present.Skip(1).Select(part => $", {part.Number} {part.What}"));
    }
}
