namespace PyResolve.Server.Storage;

/// <summary>
/// The right to work on a row of the store, which one owner has at a time. It lasts for <paramref name="duration"/> and is renewed while
/// the work runs, so that another instance takes over where this one dies. Its parts go into the statement that takes the row.
/// </summary>
/// <param name="row">The condition that finds the row.</param>
/// <param name="time">The clock of the row.</param>
/// <param name="pace">The clock of the renewals; default <paramref name="time"/>.</param>
internal sealed class StoreLease(Database database, string table, Sql row, TimeSpan duration, TimeProvider time, TimeProvider? pace = null)
{
    private readonly Guid _owner = Ids.Create(time.GetUtcNow());

    public (string Owner, string Until) Columns { get; init; } = ("lease_owner", "lease_until");

    /// <summary>The condition under which the lease may be taken.</summary>
    public SqlPart IsFree => Part($"({Until} is null or {Until} <= {time.GetInstant()} or {Owner} = {_owner})");

    /// <summary>The condition that no other has taken the lease.</summary>
    public SqlPart IsMine => Part($"{Owner} = {_owner}");

    /// <summary>The assignments that take the lease.</summary>
    public SqlPart Take => Part($"{Owner} = {_owner}, {Until} = {time.GetInstant() + duration}");

    /// <summary>The assignments that release it.</summary>
    public SqlPart Release => Part($"{Owner} = null, {Until} = null");

    private SqlFragment Owner => new(Columns.Owner);

    private SqlFragment Until => new(Columns.Until);

    public Task ReleaseAsync(Session session, CancellationToken cancellationToken) =>
        session.ExecuteAsync(Update(Release), cancellationToken);

    /// <summary>After a failure. Where the store is unavailable, the lease expires instead.</summary>
    public async Task TryReleaseAsync()
    {
        try
        {
            await database.ExecuteAsync(Update(Release), CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
        }
    }

    /// <summary>Runs <paramref name="work"/> and renews the lease until it ends. The work is cancelled once the lease is lost.</summary>
    /// <exception cref="LeaseLostException">The work was cancelled.</exception>
    public async Task<T> WorkAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = new CancellationTokenSource();
        var renewing = RenewAsync(working, ended.Token);
        try
        {
            return await work(working.Token);
        }
        catch (OperationCanceledException) when (working.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new LeaseLostException();
        }
        finally
        {
            await ended.CancelAsync();
            await renewing;
        }
    }

    private async Task RenewAsync(CancellationTokenSource working, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(duration / 4, pace ?? time);
        var until = time.GetInstant() + duration;
        try
        {
            while (await timer.WaitForNextTickAsync(ended) && await TryRenewAsync())
            {
                // Until the lease is lost or the work ends.
            }

            await working.CancelAsync();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }

        async Task<bool> TryRenewAsync()
        {
            var next = time.GetInstant() + duration;
            try
            {
                if (await database.ExecuteAsync(Update(Part($"{Until} = {next}")), ended) == 0)
                    return false;
                until = next;
                return true;
            }
            catch (StoreUnavailableException)
            {
                // Before that no other can have taken it.
                return time.GetInstant() < until;
            }
        }
    }

    private Sql Update(SqlPart assignments) => $"update {new SqlFragment(table)} set {assignments} where {new SqlPart(row)} and {IsMine}";

    private static SqlPart Part(Sql sql) => new(sql);
}

internal sealed class LeaseLostException() : Exception("The lease was not renewed in time, and another instance may have taken it.");
