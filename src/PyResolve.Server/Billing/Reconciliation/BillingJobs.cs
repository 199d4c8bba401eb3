using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Reconciliation;

/// <summary>A run of a job. <c>ReadTo</c> is the end of the time that the last run covered.</summary>
internal sealed record JobRun(string Name, StoreLease Lease, DateTimeOffset ReadTo);

/// <summary>Jobs that run on one instance at a time. If it fails, another takes over when the lease has expired.</summary>
internal sealed class BillingJobs(Database database, BillingOptions options, TimeProvider time)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromMinutes(2);

    private readonly string _origin = options.Origin;

    public Task AddAsync(string name, DateTimeOffset firstRunAt, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        insert into billing_jobs (origin, name, next_run_at, read_to) values ({_origin}, {name}, {firstRunAt}, {time.GetInstant()})
        on conflict do nothing
        """,
        cancellationToken);

    /// <summary>Finds when the next job can be leased.</summary>
    public Task<DateTimeOffset?> FindNextRunAsync(CancellationToken cancellationToken) => database.InstantAsync(
        $"""
        select min(case when lease_until > next_run_at then lease_until else next_run_at end)
        from billing_jobs where origin = {_origin}
        """,
        cancellationToken);

    /// <returns>null where the job is not due, or another instance runs it.</returns>
    public async Task<JobRun?> TryLeaseAsync(string name, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var due = await database.ListAsync(
            $"""
            select 1 from billing_jobs
            where origin = {_origin} and name = {name} and next_run_at <= {now} and (lease_until is null or lease_until <= {now})
            """,
            static _ => true,
            cancellationToken);
        if (due.Count == 0)
            return null;
        var lease = new StoreLease(database, "billing_jobs", $"origin = {_origin} and name = {name}", LeaseTime, time);
        return await database.WriteAsync(
            session => session.FirstAsync(
                $"""
                update billing_jobs set {lease.Take}
                where origin = {_origin} and name = {name} and next_run_at <= {now} and {lease.IsFree}
                returning read_to
                """,
                row => new JobRun(name, lease, row.InstantOrNull(0) ?? now),
                cancellationToken),
            cancellationToken);
    }

    public Task FinishAsync(
        JobRun run, DateTimeOffset nextRunAt, DateTimeOffset readTo, int repaired, CancellationToken cancellationToken) =>
        database.ExecuteAsync(
            $"""
            update billing_jobs
            set next_run_at = {nextRunAt}, read_to = {readTo}, repaired = repaired + {repaired}, {run.Lease.Release}
            where origin = {_origin} and name = {run.Name} and {run.Lease.IsMine}
            """,
            cancellationToken);
}
