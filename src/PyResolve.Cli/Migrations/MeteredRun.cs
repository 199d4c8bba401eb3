using PyResolve.Cli.Errors;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>Runs a migrator under a permit: it costs a migration when it succeeded and files really changed, and nothing otherwise.</summary>
internal sealed class MeteredRun(Terminal terminal, QuotaPermit permit, Migrator migrator, string path, string library, string target)
{
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var before = FolderSnapshot.Take(path, cancellationToken);
        int exitCode;
        try
        {
            exitCode = await migrator.RunAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            var given = await GiveBackAsync();
            throw new CliException(ExitCodes.Interrupted, "Interrupted. The migrator was stopped; what it had changed by then stays changed.", given);
        }

        // From here on nothing is left to interrupt but the accounting, which is worth its second.
        var changes = before.ChangesTo(FolderSnapshot.Take(path, CancellationToken.None));
        if (exitCode != 0)
        {
            var touched = changes.Total == 0 ? "No file was changed." : $"{QuotaText.Count(changes.Total, "file")} had been changed by then.";
            throw new CliException(ExitCodes.Failure, $"The migrator failed with exit code {exitCode}. {touched}", await GiveBackAsync(), $"It was run as: {migrator}");
        }
        if (changes.Total == 0)
        {
            terminal.Success("Nothing to change");
            terminal.Line($"  {await GiveBackAsync()}");
            return ExitCodes.Success;
        }

        var quotaBefore = permit.Quota;
        await CompleteAsync(changes);
        terminal.Success($"Upgraded {library} to {target}: {Describe(changes)}");
        // A new quota is the server's word that it has recorded the work.
        if (!permit.IsOffline && quotaBefore is not null && ReferenceEquals(quotaBefore, permit.Quota))
            terminal.Warning("The server cannot be told now. The migration is kept on disk, and reported when it is back.");
        else if (permit.ReservationId is not null && permit.Quota is { } quota)
            terminal.Line($"  Quota this month: {QuotaText.Used(quota)}");
        return ExitCodes.Success;
    }

    private async Task CompleteAsync(FolderChanges changes)
    {
        try
        {
            await permit.CompleteAsync(new MigrationOutcome { FilesChanged = changes.Total }, CancellationToken.None);
        }
        catch (PyResolveException e)
        {
            var failure = Failures.Describe(e);
            throw new CliException(
                failure.ExitCode, $"The code was upgraded ({Describe(changes)}), but the server could not be told: {failure.Message}", [.. failure.Next]);
        }
    }

    /// <returns>What became of the hold, for people.</returns>
    private async Task<string> GiveBackAsync()
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
        // Disposing never throws; a new quota is the server's word that the hold is back.
        return ReferenceEquals(quotaBefore, permit.Quota)
            ? $"No migration was used. The hold could not be given back now, and ends by itself{(permit.ExpiresAt is { } end ? $" at {end.UtcDateTime:HH:mm} UTC" : "")}."
            : $"No migration was used. Quota this month: {QuotaText.Used(permit.Quota!)}";
    }

    private static string Describe(FolderChanges changes)
    {
        (int Number, string What)[] parts = [(changes.Modified, "changed"), (changes.Added, "added"), (changes.Removed, "removed")];
        var present = parts.Where(p => p.Number > 0).ToList();
        return $"{QuotaText.Count(present[0].Number, "file")} {present[0].What}" + string.Concat(present.Skip(1).Select(p => $", {p.Number} {p.What}"));
    }
}
