using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

internal sealed record Backlog(long Count, DateTimeOffset? Oldest)
{
    public TimeSpan AgeAt(DateTimeOffset now) => Oldest is { } oldest && oldest < now ? now - oldest : TimeSpan.Zero;
}

/// <summary>Counts the work that waits in the store, for every instance.</summary>
internal sealed class Backlogs(Database database, BillingOptions billing)
{
    public Task<Backlog> CountWaitingEventsAsync(CancellationToken cancellationToken) => CountAsync(
        $"select count(*), min(received_at) from stripe_events where origin = {billing.Origin} and state = 'pending'", cancellationToken);

    public Task<Backlog> CountDeadEventsAsync(CancellationToken cancellationToken) => CountAsync(
        $"select count(*), min(received_at) from stripe_events where origin = {billing.Origin} and state = 'dead'", cancellationToken);

    public Task<Backlog> CountEmailsAsync(CancellationToken cancellationToken) =>
        CountAsync($"select count(*), min(created_at) from letters", cancellationToken);

    private async Task<Backlog> CountAsync(Sql sql, CancellationToken cancellationToken) =>
        (await database.FirstAsync(sql, static row => new Backlog(row.Int64(0), row.InstantOrNull(1)), cancellationToken))!;
}
