using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Metering;

/// <summary>
/// The table <c>meter_events</c>: written with the usage, sent by any instance. Taking a report moves its due time ahead, as a lease: if
/// its sender dies, another sends it again, and Stripe knows it by its identifier. Thread-safe.
/// </summary>
internal sealed class MeterReports(Database database, BillingOptions options, TimeProvider time)
{
    /// <summary>A report that is sent twice at once is counted once.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    /// <summary>
    /// Stripe knows an identifier for a day. If after that time it is not known whether Stripe has a report, it is not sent again: it could
    /// be billed twice.
    /// </summary>
    private static readonly TimeSpan KnownFor = TimeSpan.FromHours(23);

    public Task<List<MeterReport>> TakeDueAsync(int max, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            var now = time.GetInstant();
            return session.ListAsync(
                $"""
                update meter_events
                set due_at = {now + Lease}, tries = tries + 1, first_tried_at = coalesce(first_tried_at, {now})
                where sent_at is null and due_at <= {now} and identifier in (
                    select identifier from meter_events
                    where sent_at is null and due_at <= {now} and (first_tried_at is null or first_tried_at > {now - KnownFor})
                    order by due_at limit {max})
                returning identifier, user_id, plan, units, created_at, tries, (
                    select c.customer_id from billing_customers c
                    where c.user_id = meter_events.user_id and c.origin = {options.Origin} and c.unlinked_at is null)
                """,
                static row => new MeterReport(row.Text(0), row.Uuid(1), row.Text(2), row.Int64(3), row.Instant(4), row.Int32(5))
                {
                    CustomerId = row.TextOrNull(6),
                },
                cancellationToken);
        },
        cancellationToken);

    public Task MarkSentAsync(MeterReport report, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update meter_events set sent_at = {time.GetInstant()}, failure = null where identifier = {report.Identifier}",
        cancellationToken);

    /// <param name="report">What was not sent.</param>
    /// <param name="failure">Why.</param>
    /// <param name="isUnknown">Whether Stripe may have it.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task RetryLaterAsync(MeterReport report, string failure, bool isUnknown, CancellationToken cancellationToken)
    {
        var delay = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(report.Tries - 1, 12)));
        var due = time.GetInstant() + (delay < LongestDelay ? delay : LongestDelay);
        return database.ExecuteAsync(
            $"""
            update meter_events
            set due_at = {due}, failure = {failure}, first_tried_at = case when {isUnknown} then first_tried_at end
            where identifier = {report.Identifier} and sent_at is null
            """,
            cancellationToken);
    }

    /// <summary>Those of which it is not known whether Stripe has them, and that are not sent again.</summary>
    public Task<List<string>> ListUnknownAsync(CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select identifier from meter_events where sent_at is null and first_tried_at <= {time.GetInstant() - KnownFor} order by identifier
        """,
        static row => row.Text(0),
        cancellationToken);
}
