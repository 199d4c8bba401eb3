using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The outcome of a sync. <c>State</c> is what is stored now: another result, unless this one was the newest.</summary>
internal sealed record SyncOutcome(BillingState State, bool IsNewest, bool HasChanged);

/// <summary>Writes the results of syncs: the state of the customer, and the plan of the account.</summary>
internal sealed class SyncResults(
    Database database, BillingOptions options, PlanCatalog plans, AuditLog audit, TimeProvider time)
{
    private static readonly Origin Stripe = new("stripe", Address: null);

    private readonly string _origin = options.Origin;

    /// <summary>Writes the result of a fetch, unless that of a later token was written. Either way its events are done.</summary>
    /// <param name="token">Of the fetch.</param>
    /// <param name="chooseState">Chooses the new state from the stored one; null: the customer no longer exists at Stripe.</param>
    /// <param name="writeMore">What else follows from the fetch, before the plan.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public Task<SyncOutcome> ApplyAsync(
        SyncToken token, Func<BillingState, BillingState>? chooseState, Func<Session, Task> writeMore,
        CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var profile = await ProfilePlan.LockAsync(session, token.UserId, cancellationToken);
            var row = await session.FirstAsync(
                $"""
                select {BillingCustomers.Columns}, applied_seq from billing_customers
                where origin = {_origin} and customer_id = {token.CustomerId} {session.Engine.ForUpdate}
                """,
                static row => new { Customer = BillingCustomers.Read(row), AppliedSeq = row.Int64(BillingCustomers.ColumnCount) },
                cancellationToken);
            var before = row?.Customer.State ?? BillingState.None;
            var isNewest = row is { Customer.IsLinked: true } && row.AppliedSeq < token.Value;
            var state = !isNewest ? before : chooseState?.Invoke(before) ?? BillingState.None;
            var hasGranted = false;
            if (isNewest)
            {
                var isGone = chooseState is null;
                await WriteAsync(session, token, state, isGone, now, cancellationToken);
                await writeMore(session);
                hasGranted = profile is not null && await GrantAsync(session, token, profile, state, isGone, now, cancellationToken);
            }

            await session.ExecuteAsync(
                $"""
                update stripe_events
                set state = 'done', note = case when note = {BillingCustomers.ToReview} then note end, settled_at = {now}
                where origin = {_origin} and customer_id = {token.CustomerId}
                  and state in ('pending', 'dead') and taken_seq <= {token.Value}
                """,
                cancellationToken);
            if (token.Lease is { } lease)
                await lease.ReleaseAsync(session, cancellationToken);
            return new SyncOutcome(state, IsNewest: isNewest, HasChanged: state != before || hasGranted);
        },
        cancellationToken);

    private Task<int> WriteAsync(
        Session session, SyncToken token, BillingState state, bool isGone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        DateTimeOffset? unlinkedAt = isGone ? now : null;
        return session.ExecuteAsync(
            $"""
            update billing_customers
            set applied_seq = {token.Value}, applied_at = {now}, unlinked_at = {unlinkedAt}, subscription_id = {state.SubscriptionId},
                status = {state.Status}, plan = {state.Plan}, plan_until = {state.PlanUntil},
                plan_then = {state.PlanThen}, quantity = {state.Quantity}, cancelling = {state.Cancelling},
                current_period_end = {state.CurrentPeriodEnd}, grace_ends_at = {state.GraceEndsAt},
                remembered = {state.Remembered}, flags = {state.Flags}, billing_interval = {state.Interval},
                trial_ends_at = {state.TrialEndsAt}, scheduled_plan = {state.ScheduledPlan}, scheduled_at = {state.ScheduledAt}
            where origin = {_origin} and customer_id = {token.CustomerId} and applied_seq < {token.Value}
            """,
            cancellationToken);
    }

    /// <returns>Whether the profile had another plan.</returns>
    private async Task<bool> GrantAsync(
        Session session, SyncToken token, ProfilePlan profile, BillingState state, bool isGone, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (isGone)
        {
            await session.ExecuteAsync(
                $"update profiles set stripe_customer_id = null where id = {token.UserId} and stripe_customer_id = {token.CustomerId}",
                cancellationToken);
        }

        var current = profile.WithoutEndedOverride(now);
        if (current.Matches(state, _origin, plans))
            return false;
        var granted = ProfilePlan.FromState(state, current.Override, current.OverrideUntil, _origin, plans);
        await granted.WriteAsync(session, token.UserId, now, cancellationToken);
        if (granted.Plan != profile.Plan)
            await audit.WriteAsync(session, token.UserId, Stripe, AuditActions.PlanChanged, plans.NameOf(granted.Plan), cancellationToken);
        return true;
    }
}
