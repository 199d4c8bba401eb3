using System.Globalization;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Hosting;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Webhooks;

internal sealed record InboxEvent(
    string Id, string Type, string? CustomerId, string State, string? Note, int Attempts, DateTimeOffset ReceivedAt);

/// <summary>A place in the list of events, which is ordered by the time of their arrival.</summary>
internal sealed record InboxPosition(DateTimeOffset ReceivedAt, string Id)
{
    private static readonly long MaxMicroseconds =
        (DateTimeOffset.MaxValue - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    public static InboxPosition Of(InboxEvent listed) => new(listed.ReceivedAt, listed.Id);

    public string ToCursor() => string.Create(
        CultureInfo.InvariantCulture, $"{(ReceivedAt - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond}.{Id}");

    public static InboxPosition? Parse(string cursor) =>
        cursor.Split('.', 2) is [var at, { Length: > 0 and <= 255 } id] && FieldErrors.IsPlainText(id)
        && long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var microseconds) && microseconds <= MaxMicroseconds
            ? new InboxPosition(DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond), id)
            : null;
}

/// <summary>
/// Stores every event once, pending until a sync that began after it was stored has been written. A failed event is retried with growing
/// delays, and is dead after the last try; an operator can replay it. Thread-safe.
/// </summary>
internal sealed partial class Inbox(
    Database database, AuditLog audit, BillingOptions options, TimeProvider time, ILogger<Inbox> logger)
{
    private static readonly TimeSpan Retention = TimeSpan.FromDays(35);

    /// <summary>The delay after each try but the last.</summary>
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

    public WakeSignal Arrivals { get; } = new();

    /// <summary>Stores an event durably. Returns false for a second copy, which changes nothing.</summary>
    public async Task<bool> StoreAsync(ReceivedEvent received, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var isNew = await database.WriteAsync(
            async session =>
            {
                var isInserted = await session.ExecuteAsync(
                    $"""
                    insert into stripe_events (origin, event_id, type, customer_id, payload, state, note, received_at, next_attempt_at)
                    values ({_origin}, {received.Id}, {received.Type}, {received.CustomerId}, {received.Payload},
                            {(received.IgnoredBecause is null ? "pending" : "ignored")}, {received.NoteFor(options)}, {now}, {now})
                    on conflict do nothing
                    """,
                    cancellationToken) == 1;
                // The first copy may not be replicated yet, where its request was cut short.
                if (!isInserted && session.Engine.WaitForReplicas is { } wait)
                    await session.ExecuteAsync(wait, cancellationToken);
                return isInserted;
            },
            cancellationToken);
        if (isNew && received.IgnoredBecause is null)
            Arrivals.Set();
        if (isNew && StripeEvents.NeedsReview(received.PlainType))
            Log.NeedsReview(logger, received.Type, received.Id, received.CustomerId);
        return isNew;
    }

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

    /// <summary>Lists customers with due events that no worker has leased, the longest due first.</summary>
    public Task<List<string>> ListDueAsync(int count, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.ListAsync(
            $"""
            select e.customer_id
            from stripe_events e
            left join billing_customers c on c.origin = e.origin and c.customer_id = e.customer_id
            where e.origin = {_origin} and e.state = 'pending' and e.next_attempt_at <= {now}
              and (c.lease_until is null or c.lease_until <= {now})
            group by e.customer_id
            order by min(e.next_attempt_at)
            limit {count}
            """,
            static row => row.Text(0),
            cancellationToken);
    }

    /// <summary>Schedules a retry. An event that an operator should look at keeps its note: its reason is in the log.</summary>
    /// <returns>How many are dead now.</returns>
    public Task<int> ScheduleRetryAsync(string customerId, string reason, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            Sql note = $"case when note = {BillingCustomers.ToReview} then note else {reason} end";
            var dead = await session.ExecuteAsync(
                $"""
                update stripe_events set state = 'dead', attempts = attempts + 1, note = {new SqlPart(note)}, settled_at = {now}
                where origin = {_origin} and customer_id = {customerId} and state = 'pending' and next_attempt_at <= {now}
                  and attempts >= {RetryDelays.Length}
                """,
                cancellationToken);
            for (var attempts = RetryDelays.Length - 1; attempts >= 0; attempts--)
            {
                await session.ExecuteAsync(
                    $"""
                    update stripe_events
                    set attempts = attempts + 1, note = {new SqlPart(note)}, next_attempt_at = {now + RetryDelays[attempts]}
                    where origin = {_origin} and customer_id = {customerId} and state = 'pending' and next_attempt_at <= {now}
                      and attempts = {attempts}
                    """,
                    cancellationToken);
            }

            return dead;
        },
        cancellationToken);

    public Task AssignAsync(string objectId, string customerId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update stripe_events set customer_id = {customerId}
        where origin = {_origin} and customer_id = {objectId} and state in ('pending', 'dead')
        """,
        cancellationToken);

    /// <summary>Ignores the pending events of a customer, unless it has been linked to an account.</summary>
    public Task<int> IgnoreAsync(string customerId, string reason, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update stripe_events set state = 'ignored', note = {reason}, settled_at = {time.GetInstant()}
        where origin = {_origin} and customer_id = {customerId} and state = 'pending'
          and not exists (
            select 1 from billing_customers c where c.origin = {_origin} and c.customer_id = {customerId} and c.unlinked_at is null)
        """,
        cancellationToken);

    /// <summary>Makes events pending as if they had just arrived: one by its id, or all that are dead.</summary>
    public async Task<int> ReplayAsync(string? eventId, Origin by, CancellationToken cancellationToken)
    {
        var count = await database.WriteAsync(
            async session =>
            {
                var replayed = await session.ExecuteAsync(
                    $"""
                    update stripe_events
                    set state = 'pending', note = case when note = {BillingCustomers.ToReview} then note end, attempts = 0,
                        taken_seq = null, settled_at = null, next_attempt_at = {time.GetInstant()}
                    where origin = {_origin} and customer_id is not null
                      and (event_id = {eventId ?? ""} or ({eventId is null} and state = 'dead'))
                    """,
                    cancellationToken);
                if (replayed > 0)
                {
                    await audit.WriteAsync(
                        session, Guid.Empty, by, AuditActions.EventsReplayed, eventId ?? $"{replayed} dead", cancellationToken);
                }

                return replayed;
            },
            cancellationToken);
        Arrivals.Set();
        return count;
    }

    /// <summary>Lists events, the latest first.</summary>
    /// <param name="state">null: every state.</param>
    /// <param name="count">The most to read.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    /// <param name="before">The last event of the page before; null: from the latest on.</param>
    /// <param name="search">The id of an event or of a customer; null: all.</param>
    public Task<List<InboxEvent>> ListAsync(
        string? state, int count, CancellationToken cancellationToken, InboxPosition? before = null, string? search = null)
    {
        SqlPart? named = search is null ? null
            : search.StartsWith("evt_", StringComparison.Ordinal) ? new SqlPart($"and event_id = {search}")
            : new SqlPart($"and customer_id = {search}");
        SqlPart? inState = state is null ? null : new SqlPart($"and state = {state}");
        SqlPart? place = before is null ? null : new SqlPart($"and (received_at, event_id) < ({before.ReceivedAt}, {before.Id})");
        return database.ListAsync(
            $"""
            select event_id, type, customer_id, state, note, attempts, received_at from stripe_events
            where origin = {_origin} {inState} {named} {place}
            order by received_at desc, event_id desc
            limit {count}
            """,
            ReadEvent,
            cancellationToken);
    }

    private static InboxEvent ReadEvent(Row row) => new(
        row.Text(0), row.Text(1), row.TextOrNull(2), row.Text(3), row.TextOrNull(4), row.Int32(5), row.Instant(6));

    public Task<List<InboxEvent>> ListOfCustomerAsync(string customerId, int count, CancellationToken cancellationToken) =>
        database.ListAsync(
            $"""
            select event_id, type, customer_id, state, note, attempts, received_at from stripe_events
            where origin = {_origin} and customer_id = {customerId}
            order by received_at desc, event_id
            limit {count}
            """,
            ReadEvent,
            cancellationToken);

    public async Task DeleteOldAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        if (await SettledTime.FindAsync(database, "stripe_events", "received_at", "received_at", now, cancellationToken)
            is not { } settled)
            return;
        await database.ExecuteAsync(
            $"delete from stripe_events where received_at < {settled - Retention} and state in ('done', 'ignored')", cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(
            1, LogLevel.Warning,
            "Stripe reports {Type} ({EventId}, {Subject}). Review it in Stripe's dashboard; docs/stripe.md says what it does to the plan")]
        public static partial void NeedsReview(ILogger logger, string type, string eventId, string? subject);
    }
}
