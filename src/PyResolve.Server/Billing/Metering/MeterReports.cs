using System.Globalization;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Metering;

/// <summary>
/// The table <c>meter_events</c>: written with the usage, sent by any instance. Taking a report moves its due time ahead, as a lease: if
/// its sender dies, another sends it again, and Stripe knows it by its identifier. Thread-safe.
/// </summary>
internal sealed class MeterReports(Database database, BillingOptions options, TimeProvider time)
{
    /// <summary>How long a report that was taken is left to its sender. One that is sent twice at once is counted once.</summary>
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan LongestDelay = TimeSpan.FromHours(1);

    /// <summary>
    /// The longest delay of what no subscription bills: Stripe is asked for the subscriptions each time, and they may never come.
    /// </summary>
    private static readonly TimeSpan LongestUnbilledDelay = TimeSpan.FromDays(1);

    /// <summary>
    /// How long Stripe surely knows an identifier, which it does for a day. If it is not known after that time whether Stripe has a report,
    /// it is not sent again: it could be billed twice.
    /// </summary>
    private static readonly TimeSpan KnownFor = TimeSpan.FromHours(23);

    /// <summary>Finds when the next report is to be sent, by any instance.</summary>
    public Task<DateTimeOffset?> FindNextDueAsync(CancellationToken cancellationToken) => database.InstantAsync(
        $"""
        select due_at from meter_events
        where sent_at is null and (first_tried_at is null or first_tried_at > {time.GetInstant() - KnownFor})
        order by due_at
        limit 1
        """,
        cancellationToken);

    public Task<List<MeterReport>> TakeDueAsync(int max, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return TakeAsync($"due_at <= {now}", $"order by due_at limit {max}", now, cancellationToken);
    }

    /// <summary>Takes the reports of the customer's account, also those that are not due, or that another sends at the moment.</summary>
    public Task<List<MeterReport>> TakeAllOfAsync(string customerId, CancellationToken cancellationToken) => TakeAsync(
        $"""
        user_id in (select b.user_id from billing_customers b where b.origin = {options.Origin} and b.customer_id = {customerId})
        """,
        $"order by due_at",
        time.GetInstant(),
        cancellationToken);

    private Task<List<MeterReport>> TakeAsync(Sql which, Sql first, DateTimeOffset now, CancellationToken cancellationToken)
    {
        // Also outside: another instance may take them between the two.
        var wanted = new SqlPart(which);
        // What was used before there was the customer was used in another mode of Stripe.
        Sql ofReport = $"c.user_id = meter_events.user_id and c.origin = {options.Origin} and c.created_at <= meter_events.created_at";
        var customer = new SqlPart(ofReport);
        return database.WriteAsync(
            session => session.ListAsync(
                $"""
                update meter_events
                set due_at = {now + Lease}, tries = tries + 1, first_tried_at = coalesce(first_tried_at, {now})
                where sent_at is null and {wanted} and identifier in (
                    select identifier from meter_events
                    where sent_at is null and {wanted} and (first_tried_at is null or first_tried_at > {now - KnownFor})
                    {new SqlPart(first)})
                returning identifier, user_id, plan, units, created_at, tries, first_tried_at, (
                    select c.customer_id from billing_customers c
                    where {customer}
                    order by c.unlinked_at is not null, c.unlinked_at desc
                    limit 1), (
                    select c.remembered from billing_customers c
                    where {customer} and c.unlinked_at is null), failure
                """,
                row => new MeterReport(row.Text(0), row.Uuid(1), row.Text(2), row.Int64(3), row.Instant(4), row.Int32(5))
                {
                    FirstTriedAt = row.Instant(6),
                    MayBeKnown = row.Instant(6) < now,
                    CustomerId = row.TextOrNull(7),
                    IsBilled = SubscriptionMemories.Read(row.TextOrNull(8) ?? "").Values
                        .Any(memory => memory.BillsOverageOf(row.Text(2))),
                    Failure = row.TextOrNull(9),
                },
                cancellationToken),
            cancellationToken);
    }

    public Task MarkSentAsync(MeterReport report, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"update meter_events set sent_at = {time.GetInstant()}, failure = null where identifier = {report.Identifier}",
        cancellationToken);

    /// <summary>
    /// Notes a failed try, and when to try again. Does nothing where another sender has taken the report since: the result of that one
    /// counts.
    /// </summary>
    /// <param name="report">What was not sent.</param>
    /// <param name="failure">Why.</param>
    /// <param name="isUnbilled">Whether no subscription bills it.</param>
    /// <param name="isUnknown">Whether Stripe may have it by this try. It may also by an earlier one.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task RetryLaterAsync(
        MeterReport report, string failure, bool isUnbilled, bool isUnknown, CancellationToken cancellationToken)
    {
        // What Stripe may have is asked about while Stripe knows its identifier.
        var longest = isUnbilled && !report.MayBeKnown ? LongestUnbilledDelay : LongestDelay;
        var delay = TimeSpan.FromSeconds(Math.Pow(2, Math.Min(report.Tries - 1, 20)));
        var due = time.GetInstant() + Spread(delay < longest ? delay : longest);
        return database.ExecuteAsync(
            $"""
            update meter_events
            set due_at = {due}, failure = {failure}, first_tried_at = case when {isUnknown || report.MayBeKnown} then first_tried_at end
            where identifier = {report.Identifier} and sent_at is null and tries = {report.Tries}
            """,
            cancellationToken);
    }

    /// <summary>Shortens a delay at random: what failed together is not tried again together.</summary>
    private static TimeSpan Spread(TimeSpan delay) => delay * (0.75 + (Random.Shared.NextDouble() / 4));

    /// <summary>Lists the reports that have waited for an hour, the oldest first.</summary>
    public Task<List<LateReport>> ListLateAsync(CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        return database.ListAsync(
            $"""
            select identifier, user_id, units, created_at, failure, first_tried_at
            from meter_events
            where sent_at is null and created_at <= {now - TimeSpan.FromHours(1)}
            order by created_at, identifier
            """,
            row => new LateReport(
                row.Text(0), row.Uuid(1), row.Int64(2), row.Instant(3), row.TextOrNull(4),
                IsGivenUp: row.InstantOrNull(5) <= now - KnownFor),
            cancellationToken);
    }
}

/// <summary>Overage that Stripe does not have, as far as is known. <c>IsGivenUp</c>: it may have it, and it is not sent again.</summary>
internal sealed record LateReport(string Identifier, Guid UserId, long Units, DateTimeOffset UsedAt, string? Failure, bool IsGivenUp)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"Meter event {Identifier}, {Units} units of account {UserId}, {UsedAt:u}, ")
        + (IsGivenUp
            ? "may have reached Stripe, and is not sent again. Look for it at the meter, and bill it by hand if it is missing."
            : $"is not at Stripe: {Failure?.TrimEnd('.') ?? "no server has sent it"}. {WhatHappens}");

    private string WhatHappens => Failure?.StartsWith(NotBilledStart, StringComparison.Ordinal) == true
        ? "Invoice it by hand and set sent_at of its row in meter_events, or leave it: it is sent within a day after there is such a "
            + "subscription again."
        : "It is sent again until Stripe has it.";

    /// <summary>
    /// The start of a failure that is stored, and recognized by it when it is read. Changing it leaves stored ones unrecognized.
    /// </summary>
    private const string NotBilledStart = "the account has no subscription that bills overage";

    /// <summary>The failure of a report that no invoice would include.</summary>
    public static string NotBilled(string plan) => $"{NotBilledStart} of the plan {plan}";
}
