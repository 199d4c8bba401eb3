namespace PyResolve.Server.Storage;

/// <summary>
/// The right to work on a row of the store, which one owner has at a time. It lasts for <paramref name="duration"/> and is renewed while
/// the work runs, so that another instance goes on where this one dies. Its parts stand in the statements that take the row.
/// </summary>
/// <param name="row">The condition that finds the row.</param>
/// <param name="time">The clock of the row.</param>
/// <param name="pace">The clock of the renewals; default <paramref name="time"/>.</param>
internal sealed class StoreLease(Database database, string table, Sql row, TimeSpan duration, TimeProvider time, TimeProvider? pace = null)
{
    private readonly Guid _owner = Ids.Create(time.GetUtcNow());

    /// <summary>The columns that name the owner and the end of the lease.</summary>
    public (string Owner, string Until) Columns { get; init; } = ("lease_owner", "lease_until");

    private SqlFragment Table => new(table);

    private SqlFragment Owner => new(Columns.Owner);

    private SqlFragment Until => new(Columns.Until);

    /// <summary>A condition: the lease may be taken.</summary>
    public SqlPart IsFree => Part($"({Until} is null or {Until} <= {time.GetInstant()} or {Owner} = {_owner})");

    /// <summary>A condition: nobody has taken the lease since.</summary>
    public SqlPart IsMine => Part($"{Owner} = {_owner}");

    /// <summary>Assignments that take the lease.</summary>
    public SqlPart Take => Part($"{Owner} = {_owner}, {Until} = {time.GetInstant() + duration}");

    /// <summary>Assignments that release it.</summary>
    public SqlPart Release => Part($"{Owner} = null, {Until} = null");

    public Task<int> ReleaseAsync(Session session, CancellationToken cancellationToken) =>
        session.ExecuteAsync($"update {Table} set {Release} where {new SqlPart(row)} and {IsMine}", cancellationToken);

    /// <summary>After a failure. Where the store is away the lease runs out by itself.</summary>
    public async Task TryReleaseAsync()
    {
        try
        {
            await database.WriteAsync(session => ReleaseAsync(session, CancellationToken.None), CancellationToken.None);
        }
        catch (StoreUnavailableException)
        {
        }
    }

    /// <summary>Works, and renews the lease until the work ends. The work is cancelled once the lease is another's.</summary>
    /// <exception cref="LeaseLostException">It is.</exception>
    public async Task<T> WorkAsync<T>(Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var ended = new CancellationTokenSource();
        var renewing = RenewUntilAsync(working, ended.Token);
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

    private async Task RenewUntilAsync(CancellationTokenSource working, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(duration / 4, pace ?? time);
        var until = time.GetInstant() + duration;
        try
        {
            while (await timer.WaitForNextTickAsync(ended))
            {
                try
                {
                    var next = time.GetInstant() + duration;
                    Sql renewal = $"update {Table} set {Until} = {next} where {new SqlPart(row)} and {IsMine}";
                    if (await database.ExecuteAsync(renewal, ended) == 0)
                        break;
                    until = next;
                }
                catch (StoreUnavailableException) when (time.GetInstant() < until)
                {
                    // Nobody else can have it yet.
                }
                catch (StoreUnavailableException)
                {
                    break;
                }
            }

            await working.CancelAsync();
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
        }
    }

    private static SqlPart Part(Sql sql) => new(sql);
}

internal sealed class LeaseLostException() : Exception("The lease was not renewed in time, and another instance may have taken it.");
