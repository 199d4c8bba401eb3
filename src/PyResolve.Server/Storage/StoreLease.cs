namespace PyResolve.Server.Storage;

/// <summary>
/// The right to work on a row, for one owner at a time. It is renewed while the work runs, so that another instance takes over where this
/// one dies. Its parts go into the statement that takes the row.
/// </summary>
/// <param name="pace">The clock of the renewals; default <paramref name="time"/>, the clock of the row.</param>
internal sealed class StoreLease(Database database, string table, Sql row, TimeSpan duration, TimeProvider time, TimeProvider? pace = null)
{
    private readonly Guid _owner = Ids.Create(time.GetUtcNow());

    public (string Owner, string Until) Columns { get; init; } = ("lease_owner", "lease_until");

    public SqlPart IsFree => Part($"({Until} is null or {Until} <= {time.GetInstant()} or {Owner} = {_owner})");

    public SqlPart IsMine => Part($"{Owner} = {_owner}");

    public SqlPart Take => Part($"{Owner} = {_owner}, {Until} = {time.GetInstant() + duration}");

    public SqlPart Release => Part($"{Owner} = null, {Until} = null");

    private SqlFragment Owner => new(Columns.Owner);

    private SqlFragment Until => new(Columns.Until);

    public Task ReleaseAsync(Session session, CancellationToken cancellationToken) =>
        session.ExecuteAsync(Update(Release), cancellationToken);

    /// <summary>Releases the lease. Where the store is unavailable, it expires instead.</summary>
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

    /// <summary>Renews the lease until <paramref name="work"/> ends, and cancels the work once the lease is lost.</summary>
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
