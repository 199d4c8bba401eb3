using PyResolve.Client.Wire;

namespace PyResolve.Client;

public sealed partial class PyResolveClient
{
    private static readonly TimeSpan FirstPoll = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPoll = TimeSpan.FromSeconds(2);

    /// <summary>How long a cancelled call waits for the answer to what it has asked.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);

    /// <summary>Upgrades code on the server, and waits for the result. The server reserves a migration, runs the migrator that its operator
    /// configured, and charges the migration when files changed.</summary>
    /// <param name="request">The files, and what to migrate them to.</param>
    /// <param name="progress">Receives how far the migration is, where the migrator tells; default nobody.</param>
    /// <param name="idempotencyKey">As of <see cref="StartMigrationAsync"/>. Default one of this call alone.</param>
    /// <param name="cancellationToken">Cancels the migration, which then costs nothing. One that has ended by then is charged, and
    /// returned.</param>
    /// <returns>What changed: <see cref="RemoteMigration.Files"/> and <see cref="RemoteMigration.Diff"/>.</returns>
    /// <exception cref="PyResolveException">It was refused or failed: <see cref="ProblemCodes.MigrationFailed"/> when the migrator did.
    /// Nothing was charged, unless the server could not be reached while the migration ran.</exception>
    /// <exception cref="ArgumentException">The idempotency key is empty, longer, or has other characters.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. An inner exception says why the server could not be told: then it may
    /// run to its end, and be charged.</exception>
    public async Task<RemoteMigration> MigrateAsync(
        MigrateRequest request, IProgress<RemoteMigrationProgress>? progress = null, string? idempotencyKey = null,
        CancellationToken cancellationToken = default)
    {
        idempotencyKey ??= Uuid.NewVersion7(_transport.Time).ToString("D");
        var migration = await StartToWaitAsync(request, idempotencyKey, cancellationToken).ConfigureAwait(false);
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
            migration = await CancelRunningAsync(migration.Id, cancellationToken).ConfigureAwait(false);
            if (migration.State == RemoteMigrationStates.Cancelled)
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
    /// <exception cref="ArgumentException">The idempotency key is empty, longer, or has other characters.</exception>
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

    /// <summary>A request that is abandoned may have been granted: its answer is waited for, so that the migration can be cancelled.
    /// </summary>
    private async Task<RemoteMigration> StartToWaitAsync(MigrateRequest request, string idempotencyKey, CancellationToken cancelled)
    {
        cancelled.ThrowIfCancellationRequested();
        using var abandoned = new CancellationTokenSource();
        using var registration = cancelled.Register(() => abandoned.CancelAfter(AnswerTime));
        try
        {
            return await StartMigrationAsync(request, idempotencyKey, abandoned.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception)
        {
            throw new OperationCanceledException("The server did not say whether it has started the migration.", exception, cancelled);
        }
    }

    private async Task<RemoteMigration> CancelRunningAsync(Guid id, CancellationToken cancelled)
    {
        try
        {
            return await CancelMigrationAsync(id, CancellationToken.None).ConfigureAwait(false);
        }
        catch (PyResolveException exception)
        {
            throw new OperationCanceledException("The migration could not be cancelled on the server.", exception, cancelled);
        }
    }
}
