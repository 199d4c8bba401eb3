using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Reconciliation;

/// <summary>A job's turn.</summary>
/// <param name="ReadTo">Up to when the last run has read.</param>
internal sealed record JobRun(string Name, Guid Owner, DateTimeOffset ReadTo);

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

    public Task RenewAsync(JobRun run, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update billing_jobs set lease_until = {time.GetInstant() + LeaseTime} where origin = {_origin} and name = {run.Name} and lease_owner = {run.Owner}",
        cancellationToken);

    public Task FinishAsync(JobRun run, DateTimeOffset nextRunAt, DateTimeOffset readTo, int repaired, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_jobs
        set next_run_at = {nextRunAt}, read_to = {readTo}, repaired = repaired + {repaired}, lease_owner = null, lease_until = null
        where origin = {_origin} and name = {run.Name} and lease_owner = {run.Owner}
        """,
        cancellationToken);
}
