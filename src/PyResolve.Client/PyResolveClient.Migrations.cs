using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(2);

    /// <summary>Upgrades code on the server, and waits for the result. The server reserves a migration, runs the migrator that its operator
    /// configured, and charges the migration when files changed.</summary>
    /// <param name="request">The files, and what to migrate them to.</param>
    /// <param name="progress">Receives how far the migration is, where the migrator tells; default nobody.</param>
    /// <param name="cancellationToken">Cancels the migration, which then costs nothing.</param>
    /// <returns>What changed: <see cref="RemoteMigration.Files"/> and <see cref="RemoteMigration.Diff"/>.</returns>
    /// <exception cref="PyResolveException">It was refused or failed: <see cref="ProblemCodes.MigrationFailed"/> when the migrator did.
    /// Nothing was charged.</exception>
    public async Task<RemoteMigration> MigrateAsync(
        MigrateRequest request, IProgress<RemoteMigrationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var idempotencyKey = Uuid.NewVersion7(_transport.Time).ToString("D");
        var migration = await StartMigrationAsync(request, idempotencyKey, cancellationToken).ConfigureAwait(false);
        try
        {
            RemoteMigrationProgress? last = null;
            for (var wait = FirstPoll; migration.State == RemoteMigrationStates.Running; wait = Min(wait + wait, LongestPoll))
            {
                await _transport.Time.DelayAsync(wait, cancellationToken).ConfigureAwait(false);
                migration = await GetMigrationAsync(migration.Id, cancellationToken).ConfigureAwait(false);
                if (migration.Progress is { } now && now != last)
                    progress?.Report(last = now);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await TryCancelAsync(migration.Id).ConfigureAwait(false);
            throw;
        }

        return migration.State == RemoteMigrationStates.Done
            ? migration
            : throw new PyResolveException(
                migration.Error?.Code ?? ProblemCodes.MigrationFailed,
                migration.Error?.Detail ?? $"The migration was {migration.State}. Nothing was charged.");
    }

    /// <summary><c>POST /migrate</c>: starts a migration on the server, without waiting for it. <see cref="MigrateAsync"/> waits.</summary>
    /// <param name="request">The files, and what to migrate them to.</param>
    /// <param name="idempotencyKey">Makes the request safe to send again: with the same files it is charged once. 1 to 255 visible ASCII
    /// characters. Default none.</param>
    /// <param name="cancellationToken">Stops waiting; the migration may have been started.</param>
    public Task<RemoteMigration> StartMigrationAsync(
        MigrateRequest request, string? idempotencyKey = null, CancellationToken cancellationToken = default)
    {
        if (idempotencyKey is not null && !VisibleAscii.IsIdempotencyKey(idempotencyKey))
            throw new ArgumentException("An idempotency key has 1 to 255 visible ASCII characters.", nameof(idempotencyKey));
        var start = ApiRequest.Post("/migrate") with { IdempotencyKey = idempotencyKey, PrefersAsync = true };
        return SendMigrationAsync(start.With(Guard.NotNull(request), WireJson.Requests.MigrateRequest), cancellationToken);
    }

    /// <summary><c>GET /migrate/{id}</c>: how far a migration is, and its result once it has ended.</summary>
    public Task<RemoteMigration> GetMigrationAsync(Guid id, CancellationToken cancellationToken = default) =>
        SendMigrationAsync(ApiRequest.Get($"/migrate/{id:D}"), cancellationToken);

    /// <summary><c>DELETE /migrate/{id}</c>: cancels a migration, and returns the state in which it ended.</summary>
    public Task<RemoteMigration> CancelMigrationAsync(Guid id, CancellationToken cancellationToken = default) =>
        SendMigrationAsync(ApiRequest.Delete($"/migrate/{id:D}") with { IsRepeatable = true }, cancellationToken);

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private Task<RemoteMigration> SendMigrationAsync(ApiRequest request, CancellationToken cancellationToken) =>
        _transport.SendAsync(request, WireJson.Default.RemoteMigration, static one => one.State is not null, cancellationToken);

    private async Task TryCancelAsync(Guid id)
    {
        try
        {
            await CancelMigrationAsync(id, CancellationToken.None).ConfigureAwait(false);
        }
        catch (PyResolveException)
        {
            // It runs on to its end, and is charged when it changes files.
        }
    }
}
