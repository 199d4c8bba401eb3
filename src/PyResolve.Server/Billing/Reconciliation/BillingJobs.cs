using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Reconciliation;

/// <summary>A job's turn.</summary>
/// <param name="ReadTo">Up to when the last run has read.</param>
internal sealed record JobRun(string Name, Guid Owner, DateTimeOffset ReadTo);

/// <summary>The job's lease ran out, and another instance took it.</summary>
internal sealed class JobLostException(string name) : Exception($"The job '{name}' took so long between two signs of life that another instance took it over.");

/// <summary>Jobs that run on one instance at a time, by a lease row: where that instance falls, another goes on when the lease has run out.</summary>
internal sealed class BillingJobs(Database database, BillingOptions options, TimeProvider time)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);

    private readonly string _origin = options.Origin;

    /// <summary>Makes a job known; one that is known keeps its time.</summary>
    public Task AddAsync(string name, DateTimeOffset firstRunAt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        insert into billing_jobs (origin, name, next_run_at, read_to) values ({_origin}, {name}, {firstRunAt}, {time.GetInstant()})
        on conflict do nothing
        """,
        cancellationToken);

    /// <returns><see langword="null"/> where it is not due, or runs elsewhere.</returns>
    public async Task<JobRun?> TakeAsync(string name, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var due = await database.ListAsync(
            $"select 1 from billing_jobs where origin = {_origin} and name = {name} and next_run_at <= {now} and (lease_until is null or lease_until <= {now})",
            static _ => true,
            cancellationToken);
        if (due.Count == 0)
            return null;
        var owner = Ids.Create(now);
        return await database.WriteAsync(
            session => session.FirstAsync(
                $"""
                update billing_jobs set lease_owner = {owner}, lease_until = {now + LeaseTime}
                where origin = {_origin} and name = {name} and next_run_at <= {now} and (lease_until is null or lease_until <= {now})
                returning read_to
                """,
                row => new JobRun(name, owner, row.InstantOrNull(0) ?? now),
                cancellationToken),
            cancellationToken);
    }

    /// <summary>Works, and keeps the lease meanwhile. Once it is another's, the work is cancelled.</summary>
    /// <exception cref="JobLostException">It was.</exception>
    public async Task<T> WorkAsync<T>(JobRun run, Func<CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = new PeriodicTimer(LeaseTime / 4, time);
        var keeping = KeepAsync(run, timer, working);
        try
        {
            return await work(working.Token);
        }
        catch (OperationCanceledException) when (working.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new JobLostException(run.Name);
        }
        finally
        {
            timer.Dispose();
            await keeping;
        }
    }

    public Task FinishAsync(JobRun run, DateTimeOffset nextRunAt, DateTimeOffset readTo, int repaired, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_jobs
        set next_run_at = {nextRunAt}, read_to = {readTo}, repaired = repaired + {repaired}, lease_owner = null, lease_until = null
        where origin = {_origin} and name = {run.Name} and lease_owner = {run.Owner}
        """,
        cancellationToken);

    private async Task KeepAsync(JobRun run, PeriodicTimer timer, CancellationTokenSource working)
    {
        var keptUntil = time.GetInstant() + LeaseTime;
        while (await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            try
            {
                var now = time.GetInstant();
                if (await RenewAsync(run, now + LeaseTime))
                {
                    keptUntil = now + LeaseTime;
                    continue;
                }
            }
            catch (StoreUnavailableException) when (time.GetInstant() < keptUntil)
            {
                // It is this one's as long as it lasts.
                continue;
            }
            catch (StoreUnavailableException)
            {
                // Nobody knows whose it is now.
            }

            await working.CancelAsync();
            return;
        }
    }

    /// <returns>Whether it is still this run's.</returns>
    private async Task<bool> RenewAsync(JobRun run, DateTimeOffset until) => await database.ExecuteAsync(
        $"update billing_jobs set lease_until = {until} where origin = {_origin} and name = {run.Name} and lease_owner = {run.Owner}",
        CancellationToken.None) == 1;
}
