using PyResolve.Client;

namespace UtcNow;

/// <summary>An upgrade that the account's quota pays for: only if it is allowed, and only if it changes something.</summary>
public sealed class Upgrade(QuotaGuard quota)
{
    /// <returns>The exit code: 0, or 3 when the quota does not allow it.</returns>
    public async Task<int> RunAsync(string folder, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        await using var permit = await quota.AcquireAsync(new MigrationRequest("datetime"), cancellationToken);
        if (!permit.IsGranted)
        {
            await error.WriteLineAsync(permit.Denial.Message);
            return 3;
        }

        var changed = Rewriter.RewriteFolder(folder);
        if (changed == 0)
        {
            // The permit is not completed, so it gives its migration back.
            await output.WriteLineAsync("Nothing to change.");
            return 0;
        }

        await permit.CompleteAsync(new MigrationOutcome { FilesChanged = changed }, cancellationToken);
        var left = permit.Quota is { } now ? $" Migrations left this month: {now.MigrationsRemaining}." : "";
        await output.WriteLineAsync($"Files changed: {changed}.{left}");
        return 0;
    }
}
