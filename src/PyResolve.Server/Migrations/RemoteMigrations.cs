using System.Collections.Concurrent;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Migrations;

/// <summary>
/// Reserves a migration, runs the migrator, and commits what it did. A failure gives the reservation back at once, and a killed server by
/// the reservation's expiry. Nothing is handed out before it is committed.
/// </summary>
internal sealed partial class RemoteMigrations(
    MigrationOptions options, MigrationSlots slots, RunFolders folders, MigratorRunner runner, ReservationGrants grants,
    ReservationSettlements settlements, ReservationRefusals refusals, QuotaReader quotas, TimeProvider time,
    Draining draining, ILogger<RemoteMigrations> log) : IHostedService
{
    private const int MaxKept = 256;
    private const int MaxKeptPerAccount = 16;

    /// <summary>The time from the end of the time limit to the reservation's, to read, to compare and to commit.</summary>
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<Guid, MigrationRun> _runs = [];

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>
    /// Waits until each run has given its reservation back and ended its processes, while the store is still there. They were told to stop
    /// when this began.
    /// </summary>
    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(_runs.Values.Select(static run => run.End)).WaitAsync(cancellationToken);

    public async Task<Outcome<MigrationRun>> StartAsync(
        MigrationInput input, Caller caller, string? idempotencyKey, CancellationToken cancellationToken)
    {
        if (options.Find(input.Library, input.Tier) is not { } command)
            return new ProblemResult(NoMigrator(input));
        if (slots.Take(caller.UserId) is { } busy)
            return busy;
        var isStarted = false;
        try
        {
            var pending = new PendingReservation(
                caller.UserId, 1, input.Tier, options.TimeLimit + Margin, input.Library,
                OnceKey: idempotencyKey is null ? null : input.Digest(idempotencyKey))
            {
                KeyId = caller.ApiKeyId,
            };
            var outcome = await grants.DecideAsync(pending, cancellationToken);
            if (outcome is not ReservationOutcome.Granted granted)
                return await refusals.DescribeAsync(caller.UserId, outcome, cancellationToken);
            RemoveOld();
            var run = new MigrationRun(Guid.CreateVersion7(time.GetUtcNow()), caller.UserId, new MigrationLog(options.OutputBytes));
            _runs[run.Id] = run;
            run.End = Task.Run(() => RunAsync(run, input, command, granted.Reservation.Id, caller.ApiKeyId), CancellationToken.None);
            isStarted = true;
            return run;
        }
        finally
        {
            if (!isStarted)
                slots.Return(caller.UserId);
        }
    }

    /// <returns>Null: there is none of the account in this process.</returns>
    public MigrationRun? Find(Guid id, Guid userId) => _runs.GetValueOrDefault(id) is { } run && run.UserId == userId ? run : null;

    private Problem NoMigrator(MigrationInput input) => options.Knows(input.Library)
        ? Problems.Invalid("tier", $"has no migrator for {input.Library} on this server.")
        : Problems.Invalid("library", ProblemTexts.NoMigrator);

    private async Task<MigrationEnd> RunAsync(
        MigrationRun run, MigrationInput input, IReadOnlyList<string> command, Guid reservationId, Guid? keyId)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(run.Cancelled, draining.Over);
        var isCommitted = false;
        try
        {
            var (changes, failure) = await MigrateAsync(run, input, command, stop.Token);
            if (changes is null)
            {
                var detail = ProblemTexts.MigrationFailed(failure!, run.Log.Tail());
                return MigrationEnd.Failed(
                    run.Id, new ProblemResult(Problems.Create(422, ProblemCodes.MigrationFailed, detail)), run.Log.ToString());
            }

            stop.Token.ThrowIfCancellationRequested();
            if (changes.Files.Count > 0)
            {
                await CommitAsync(run, changes, reservationId, keyId);
                isCommitted = true;
            }
            else
            {
                await ReleaseAsync(run.UserId, reservationId);
                isCommitted = true;
            }

            return new MigrationEnd(new RemoteMigration(run.Id, RemoteMigrationStates.Done)
            {
                Files = changes.Files,
                Diff = changes.Diff,
                FilesChanged = changes.Files.Count,
                TokensUsed = changes.Files.Count > 0 ? run.Report.TokensUsed : 0,
                Log = run.Log.ToString(),
                Quota = await quotas.ReadAsync(run.UserId, CancellationToken.None),
            });
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return new MigrationEnd(
                new RemoteMigration(run.Id, RemoteMigrationStates.Cancelled) { Log = run.Log.ToString() },
                new ProblemResult(Problems.Create(503, ProblemCodes.Unavailable, ProblemTexts.MigrationStopped)));
        }
        catch (ProblemException exception)
        {
            return MigrationEnd.Failed(run.Id, new ProblemResult(exception.Problem, exception.RetryAfter));
        }
        catch (Exception exception)
        {
            Log.Failed(log, exception, run.Id);
            return MigrationEnd.Failed(run.Id, new ProblemResult(
                Problems.Create(503, ProblemCodes.Unavailable, "The migration could not be run or recorded. Try again shortly."), Margin));
        }
        finally
        {
            if (!isCommitted)
                await TryReleaseAsync(run.UserId, reservationId);
            slots.Return(run.UserId);
            run.EndedAt = time.GetUtcNow();
        }
    }

    private async Task<(MigrationChanges? Changes, string? Failure)> MigrateAsync(
        MigrationRun run, MigrationInput input, IReadOnlyList<string> command, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using var locked = folders.Create(run.Id, input.Files);
        if (await runner.RunAsync(locked.Folder, command, input, run.Log, run.Report, cancellationToken) is { } failure)
            return (null, failure);
        try
        {
            return (locked.Folder.ReadChanges(input.Files), null);
        }
        catch (RefusedFolderException exception)
        {
            return (null, exception.Message);
        }
    }

    private async Task CommitAsync(MigrationRun run, MigrationChanges changes, Guid reservationId, Guid? keyId)
    {
        var commit = new CommitRequest { FilesChanged = changes.Files.Count, TokensUsed = run.Report.TokensUsed };
        var outcome = await settlements.SettleAsync(
            new Settlement(run.UserId, reservationId, commit) { KeyId = keyId }, CancellationToken.None);
        if (outcome is not SettlementOutcome.Committed)
            throw new InvalidOperationException($"The migration was not recorded: {outcome}.");
    }

    private Task<SettlementOutcome> ReleaseAsync(Guid userId, Guid reservationId) =>
        settlements.SettleAsync(new Settlement(userId, reservationId, Commit: null), CancellationToken.None);

    private async Task TryReleaseAsync(Guid userId, Guid reservationId)
    {
        try
        {
            await ReleaseAsync(userId, reservationId);
        }
        catch (Exception exception)
        {
            // It is given back when it expires.
            Log.NotReleased(log, exception, reservationId);
        }
    }

    private void Remove(MigrationRun run)
    {
        if (_runs.TryRemove(run.Id, out _))
            run.Dispose();
    }

    private void RemoveOld()
    {
        var now = time.GetUtcNow();
        var ended = _runs.Values.Where(static run => run.EndedAt is not null).OrderByDescending(static run => run.EndedAt).ToList();
        var perAccount = new Dictionary<Guid, int>();
        foreach (var (index, run) in ended.Index())
        {
            var count = perAccount[run.UserId] = perAccount.GetValueOrDefault(run.UserId) + 1;
            if (now - run.EndedAt > Kept || index >= MaxKept || count > MaxKeptPerAccount)
                Remove(run);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The migration {Id} could not be run or recorded.")]
        public static partial void Failed(ILogger log, Exception exception, Guid id);

        [LoggerMessage(LogLevel.Warning, "The reservation {Id} of a migration could not be released. It expires.")]
        public static partial void NotReleased(ILogger log, Exception exception, Guid id);
    }
}
