using PyResolve.Client.Wire;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

/// <summary>A migration of an account in this process, while it runs and for a while after.</summary>
internal sealed class MigrationRun(Guid id, Guid userId, MigrationLog log) : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();

    public Guid Id => id;

    public Guid UserId => userId;

    public MigrationLog Log => log;

    public MigratorReport Report { get; } = new(log);

    public CancellationToken Cancelled => _cancellation.Token;

    /// <summary>Completes with the answer; never fails.</summary>
    public Task<MigrationEnd> End { get; set; } = Task.FromResult(new MigrationEnd(new RemoteMigration(id, RemoteMigrationStates.Running)));

    public DateTimeOffset? EndedAt { get; set; }

    public void Cancel()
    {
        // Later there is nothing to stop, and the run may have been forgotten meanwhile.
        if (EndedAt is null)
            _cancellation.Cancel();
    }

    public void Dispose() => _cancellation.Dispose();

    public RemoteMigration Describe() => EndedAt is not null && End.IsCompletedSuccessfully
        ? End.Result.Answer
        : new RemoteMigration(id, RemoteMigrationStates.Running) { Progress = Report.Progress };
}

/// <param name="Problem">What a caller who waits for it is answered instead.</param>
internal sealed record MigrationEnd(RemoteMigration Answer, ProblemResult? Problem = null)
{
    public static MigrationEnd Failed(Guid id, ProblemResult problem, string? log = null) => new(
        new RemoteMigration(id, RemoteMigrationStates.Failed)
        {
            Error = new RemoteMigrationError(problem.Problem.Code!, problem.Problem.Detail!),
            Log = log,
        },
        problem);
}
