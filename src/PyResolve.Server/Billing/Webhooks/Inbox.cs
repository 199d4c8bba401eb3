using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Webhooks;

/// <summary>A line of <c>stripe events list</c>.</summary>
internal sealed record InboxEvent(string Id, string Type, string? CustomerId, string State, string? Note, int Attempts, DateTimeOffset ReceivedAt);

/// <summary>
/// Events as they arrived, each once, until a sync that began after they were stored has been applied. What fails is tried again at
/// growing distances, at last put aside as dead, from where it can be replayed. Thread-safe.
/// </summary>
internal sealed partial class Inbox(Database database, BillingOptions options, TimeProvider time, ILogger<Inbox> logger) : IDisposable
{
    private static readonly TimeSpan Kept = TimeSpan.FromDays(35);

    /// <summary>The wait after each try but the last.</summary>
    private static readonly TimeSpan[] RetryDelays =
    [
        TimeSpan.FromSeconds(1),
        TimeSpan.FromSeconds(5),
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(2),
        TimeSpan.FromMinutes(10),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
    ];

    private readonly string _origin = options.Origin;
    private readonly SemaphoreSlim _arrivals = new(0);

    /// <summary>After how many tries an event is dead.</summary>
    public static int MostAttempts => RetryDelays.Length + 1;

    /// <summary>Stores an event. It is safe from then on, and a second copy of it changes nothing.</summary>
    /// <returns>Whether it is new.</returns>
    public async Task<bool> StoreAsync(ReceivedEvent received, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var isNew = await database.ExecuteAsync(
            $"""
            insert into stripe_events (origin, event_id, type, customer_id, payload, state, note, received_at, next_attempt_at)
            values ({_origin}, {received.Id}, {received.Type}, {received.CustomerId}, {received.Payload},
                    {(received.IgnoredBecause is null ? "pending" : "ignored")}, {received.IgnoredBecause}, {now}, {now})
            on conflict do nothing
            """,
            cancellationToken) == 1;
        if (isNew && received.IgnoredBecause is null)
            _arrivals.Release();
        if (isNew && StripeEvents.NeedsReview(received.Type))
            Log.NeedsReview(logger, received.Type, received.Id, received.CustomerId);
        return isNew;
    }

    /// <summary>Asks for a sync of an account's customers, in the transaction of what it is for.</summary>
    public async Task RequestSyncAsync(Session session, Guid userId, string type, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var customers = await session.ListAsync(
            $"select origin, customer_id from billing_customers where user_id = {userId} and unlinked_at is null",
            static row => (Origin: row.Text(0), Id: row.Text(1)),
            cancellationToken);
        foreach (var customer in customers)
        {
            await session.ExecuteAsync(
                $"""
                insert into stripe_events (origin, event_id, type, customer_id, payload, state, received_at, next_attempt_at)
                values ({customer.Origin}, {$"pyresolve_{Ids.Create(now):N}"}, {type}, {customer.Id}, {"{}"}, {"pending"}, {now}, {now})
                """,
                cancellationToken);
        }
    }

    /// <summary>Waits for the next event that this instance stores, at most <paramref name="longest"/> of real time.</summary>
    public async Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        await _arrivals.WaitAsync(longest, cancellationToken);
        while (_arrivals.Wait(0, CancellationToken.None))
        {
            // One look finds all that came together.
        }
    }

    /// <summary>Has <see cref="WaitAsync"/> return now.</summary>
    public void Wake() => _arrivals.Release();

    public void Dispose() => _arrivals.Dispose();

    /// <summary>Customers whose events wait to be tried, and whom nobody is at work on, longest first.</summary>
    public Task<List<string>> ListDueAsync(int count, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.ListAsync(
            $"""
            select e.customer_id
            from stripe_events e
            left join billing_customers c on c.origin = e.origin and c.customer_id = e.customer_id
            where e.origin = {_origin} and e.state = 'pending' and e.next_attempt_at <= {now} and (c.lease_until is null or c.lease_until <= {now})
            group by e.customer_id
            order by min(e.next_attempt_at)
            limit {count}
            """,
            static row => row.Text(0),
            cancellationToken);
    }

    /// <summary>Counts a failed try against the events that were due, and puts the next one off.</summary>
    /// <returns>How many are dead now.</returns>
    public Task<int> PutOffAsync(string customerId, string reason, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var dead = await session.ExecuteAsync(
                $"""
                update stripe_events set state = 'dead', attempts = attempts + 1, note = {reason}, settled_at = {now}
                where origin = {_origin} and customer_id = {customerId} and state = 'pending' and next_attempt_at <= {now} and attempts >= {RetryDelays.Length}
                """,
                cancellationToken);
            for (var attempts = RetryDelays.Length - 1; attempts >= 0; attempts--)
            {
                await session.ExecuteAsync(
                    $"""
                    update stripe_events set attempts = attempts + 1, note = {reason}, next_attempt_at = {now + RetryDelays[attempts]}
                    where origin = {_origin} and customer_id = {customerId} and state = 'pending' and next_attempt_at <= {now} and attempts = {attempts}
                    """,
                    cancellationToken);
            }

            return dead;
        },
        cancellationToken);

    /// <summary>Tells the events that named a charge whose they are.</summary>
    public Task NameAsync(string chargeId, string customerId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update stripe_events set customer_id = {customerId} where origin = {_origin} and customer_id = {chargeId} and state in ('pending', 'dead')",
        cancellationToken);

    /// <summary>Settles what concerns nobody here. The events of a customer whom an account got meanwhile stay as they are.</summary>
    public Task<int> IgnoreAsync(string customerId, string reason, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update stripe_events set state = 'ignored', note = {reason}, settled_at = {time.GetInstant()}
        where origin = {_origin} and customer_id = {customerId} and state = 'pending'
          and not exists (select 1 from billing_customers c where c.origin = {_origin} and c.customer_id = {customerId} and c.unlinked_at is null)
        """,
        cancellationToken);

    /// <summary>Puts events back as if they had just arrived: one by its id, or all that are dead.</summary>
    /// <returns>How many.</returns>
    public Task<int> ReplayAsync(string? eventId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.ExecuteAsync(
            $"""
            update stripe_events set state = 'pending', note = null, attempts = 0, taken_seq = null, settled_at = null, next_attempt_at = {now}
            where origin = {_origin} and customer_id is not null and (event_id = {eventId ?? ""} or ({eventId is null} and state = 'dead'))
            """,
            cancellationToken);
    }

    /// <summary>Newest first.</summary>
    /// <param name="state">Only those in it; <see langword="null"/>: all.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public Task<List<InboxEvent>> ListAsync(string? state, int count, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select event_id, type, customer_id, state, note, attempts, received_at from stripe_events
        where origin = {_origin} and ({state is null} or state = {state ?? ""})
        order by received_at desc, event_id
        limit {count}
        """,
        static row => new InboxEvent(row.Text(0), row.Text(1), row.TextOrNull(2), row.Text(3), row.TextOrNull(4), row.Int32(5), row.Instant(6)),
        cancellationToken);

    /// <summary>Throws settled events away once Stripe, too, has forgotten them.</summary>
    public Task<int> SweepAsync(CancellationToken cancellationToken) => database.ExecuteAsync(
        $"delete from stripe_events where received_at < {time.GetInstant() - Kept} and state in ('done', 'ignored')", cancellationToken);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "Stripe reports {Type} ({EventId}, {Subject}). What follows for the plan is in docs/stripe.md; look at it in the dashboard")]
        public static partial void NeedsReview(ILogger logger, string type, string eventId, string? subject);
    }
}
