using System.Text;
using PyResolve.Cli.Migrations;
using PyResolve.Client.Wire;

namespace PyResolve.Testing.State;

/// <summary>A migration of <c>POST /migrate</c>, while it runs and afterwards.</summary>
internal sealed class FakeMigrationRun(MigrateRequest request, FakeMigration work, FakeReservation reservation, Guid? keyId)
{
    private const int LongestTail = 1_000;

    public Guid Id { get; } = Ids.Create();

    /// <summary>On the clock's timestamps, which go on while the time of day stands still.</summary>
    public required long StartedAt { get; init; }

    public FakeMigration Work => work;

    /// <summary><see langword="null"/> while it runs.</summary>
    public RemoteMigration? End { get; private set; }

    /// <summary>What a caller who waits for it is answered instead of its end.</summary>
    public Problem? Problem { get; private set; }

    public RemoteMigration Describe() => End ?? new RemoteMigration(Id, RemoteMigrationStates.Running) { Progress = work.Progress };

    public void Cancel()
    {
        End = new(Id, RemoteMigrationStates.Cancelled) { Log = work.Log };
        Problem = Problems.Create(503, ProblemCodes.Unavailable, ProblemTexts.MigrationStopped);
        Release();
    }

    /// <summary>Ends it: it costs a migration if it changed files.</summary>
    public void Finish(AccountState account, DateTimeOffset now)
    {
        if (work.Failure is { } failure)
        {
            Problem = Problems.Create(422, ProblemCodes.MigrationFailed, ProblemTexts.MigrationFailed(failure, Tail()));
            End = new(Id, RemoteMigrationStates.Failed) { Error = new(Problem.Code!, Problem.Detail!), Log = work.Log };
            Release();
            return;
        }

        var files = FindChanges();
        End = new(Id, RemoteMigrationStates.Done);
        if (files.Count > 0)
            Commit(account, files.Count, now);
        else
            Release();
        End = End with
        {
            Files = files,
            Diff = WriteDiff(files),
            FilesChanged = files.Count,
            TokensUsed = files.Count > 0 ? work.TokensUsed : 0,
            Log = work.Log,
            Quota = account.Quota(now),
        };
    }

    private SortedDictionary<string, string?> FindChanges()
    {
        var changes = new SortedDictionary<string, string?>(StringComparer.Ordinal);
        foreach (var file in work.Files)
        {
            if (file.Value != Sent(file.Key))
                changes[file.Key] = file.Value;
        }

        return changes;
    }

    private string WriteDiff(SortedDictionary<string, string?> files)
    {
        var text = new StringBuilder();
        var diff = new UnifiedDiff(line => text.Append(line).Append('\n'));
        foreach (var file in files)
            diff.Add(file.Key, Side(Sent(file.Key)), Side(file.Value));
        return text.ToString();
    }

    private string? Sent(string path) => request.Files!.TryGetValue(path, out var content) ? content : null;

    private static DiffSide? Side(string? content) => content is null ? null : new(Encoding.UTF8.GetBytes(content), IsExecutable: false);

    private void Commit(AccountState account, int files, DateTimeOffset now)
    {
        // A retry of work that was recorded costs nothing more.
        if (reservation.State == ReservationStates.Committed)
            return;
        var commit = new CommitRequest { FilesChanged = files, TokensUsed = work.TokensUsed };
        var usage = CommittedUsage.Of(commit, reservation.Id, reservation.Tier, reservation.Library);
        var recorded = LedgerEvent.From(usage, keyId, quantity: 1, reservation, now);
        account.Events.Add(recorded);
        reservation.Commit(recorded.Event.Quantity, recorded.Event.Id, now);
    }

    private void Release()
    {
        if (reservation.State == ReservationStates.Held)
            reservation.Release();
    }

    private string Tail() => (work.Log.Length <= LongestTail ? work.Log : work.Log[^LongestTail..]).Trim();
}
