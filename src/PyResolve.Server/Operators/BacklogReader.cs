using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

internal sealed record Backlog(long Count, DateTimeOffset? Oldest)
{
    public TimeSpan AgeAt(DateTimeOffset now) => Oldest is { } oldest && oldest < now ? now - oldest : TimeSpan.Zero;
}

/// <summary>The work that waits in the store, for every instance.</summary>
internal sealed record Backlogs(Backlog Events, Backlog DeadEvents, Backlog Emails);

internal sealed class BacklogReader(Database database, BillingOptions billing)
{
    public async Task<Backlogs> ReadAsync(CancellationToken cancellationToken)
    {
        var read = await database.ListAsync(
            $"""
            select 1 as place, count(*), min(received_at) from stripe_events where origin = {billing.Origin} and state = 'pending'
            union all
            select 2, count(*), min(received_at) from stripe_events where origin = {billing.Origin} and state = 'dead'
            union all
            select 3, count(*), min(created_at) from letters
            order by place
            """,
            static row => new Backlog(row.Int64(1), row.InstantOrNull(2)),
            cancellationToken);
        return new Backlogs(read[0], read[1], read[2]);
    }
}
