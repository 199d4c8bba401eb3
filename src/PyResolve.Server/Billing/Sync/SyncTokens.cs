using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>A fencing token, taken before a fetch from Stripe: the result is written only if no result of a later token has been.</summary>
/// <param name="Remembered">Of the stored state, when the token was taken.</param>
internal sealed record SyncToken(
    string CustomerId, Guid UserId, long Value, string Remembered, StoreLease? Lease, bool IsAccountDeleted = false);

/// <summary>Takes the tokens of syncs, and settles the events that a sync completes where it writes no result.</summary>
internal sealed class SyncTokens(Database database, BillingOptions options, TimeProvider time)
{
    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(10);

    private readonly string _origin = options.Origin;

    /// <summary>Begins a sync, whether or not another runs, that completes the events stored so far.</summary>
    /// <returns>null where the customer is linked to no account.</returns>
    public Task<SyncToken?> BeginSyncAsync(string customerId, CancellationToken cancellationToken) =>
        BeginSyncAsync(customerId, isLinked: true, lease: null, cancellationToken);

    /// <summary>
    /// Begins a sync as <see cref="BeginSyncAsync(string, CancellationToken)"/> does, with a lease, so that workers fetch a customer once.
    /// </summary>
    /// <returns>null also where another has the lease.</returns>
    public Task<SyncToken?> TryLeaseAsync(string customerId, CancellationToken cancellationToken) =>
        BeginSyncAsync(customerId, isLinked: true, LeaseOf(customerId), cancellationToken);

    /// <summary>Begins a sync as <see cref="TryLeaseAsync"/> does, of a customer that was an account's and is so no longer.</summary>
    /// <returns>null also where another has the lease.</returns>
    public Task<SyncToken?> TryLeaseUnlinkedAsync(string customerId, CancellationToken cancellationToken) =>
        BeginSyncAsync(customerId, isLinked: false, LeaseOf(customerId), cancellationToken);

    private StoreLease LeaseOf(string customerId)
    {
        Sql row = $"origin = {_origin} and customer_id = {customerId}";
        // The work takes real time, also in tests whose clock stands still.
        return new StoreLease(database, "billing_customers", row, LeaseTime, time, pace: TimeProvider.System);
    }

    private Task<SyncToken?> BeginSyncAsync(
        string customerId, bool isLinked, StoreLease? lease, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            SqlPart? take = lease is null ? null : new($", {lease.Take}");
            SqlPart? isFree = lease is null ? null : new($"and {lease.IsFree}");
            var link = new SqlFragment(isLinked ? "null" : "not null");
            var token = await session.FirstAsync(
                $"""
                update billing_customers set sync_seq = sync_seq + 1{take}
                where origin = {_origin} and customer_id = {customerId} and unlinked_at is {link} {isFree}
                returning sync_seq, user_id, remembered
                """,
                row => new SyncToken(customerId, row.Uuid(1), row.Int64(0), row.Text(2), lease),
                cancellationToken);
            if (token is null)
                return null;
            await session.ExecuteAsync(
                $"""
                update stripe_events set taken_seq = {token.Value}
                where origin = {_origin} and customer_id = {customerId} and state in ('pending', 'dead') and taken_seq is null
                """,
                cancellationToken);
            var accounts = await session.NumberAsync(
                $"select count(*) from profiles where id = {token.UserId} and deleted_at is null", cancellationToken);
            return token with { IsAccountDeleted = accounts == 0 };
        },
        cancellationToken);

    /// <summary>Keeps the events that this sync completes visible for review.</summary>
    public Task<int> MarkForReviewAsync(SyncToken token, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update stripe_events set note = {BillingCustomers.ToReview}
        where origin = {_origin} and customer_id = {token.CustomerId} and state in ('pending', 'dead') and taken_seq <= {token.Value}
        """,
        cancellationToken);

    /// <summary>
    /// Settles the events of a customer that is linked to no account. Those of one that is linked again stay: it is synced next.
    /// </summary>
    /// <param name="token">Of a customer that was unlinked.</param>
    /// <param name="because">Why they are ignored; null: they are done.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task SettleUnlinkedAsync(SyncToken token, string? because, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            if (token.Lease is { } lease)
                await lease.ReleaseAsync(session, cancellationToken);
            await session.ExecuteAsync(
                $"""
                update stripe_events
                set state = {(because is null ? "done" : "ignored")},
                    note = case when note = {BillingCustomers.ToReview} then note else {because} end, settled_at = {time.GetInstant()}
                where origin = {_origin} and customer_id = {token.CustomerId}
                  and state in ('pending', 'dead') and taken_seq <= {token.Value}
                  and exists (
                    select 1 from billing_customers c
                    where c.origin = {_origin} and c.customer_id = {token.CustomerId} and c.unlinked_at is not null)
                """,
                cancellationToken);
        },
        cancellationToken);
}
