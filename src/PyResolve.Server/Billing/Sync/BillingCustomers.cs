using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

internal sealed record BillingCustomer(string Id, Guid UserId, string ReturnToken, BillingState State, bool IsLinked);

/// <summary>A fencing token, taken before a fetch from Stripe: the result is written only if no result of a later token has been.</summary>
/// <param name="Remembered">Of the stored state, when the token was taken.</param>
internal sealed record SyncToken(
    string CustomerId, Guid UserId, long Value, string Remembered, StoreLease? Lease, bool IsAccountDeleted = false);

/// <summary>The rows of customers. Locks are always taken in the order profile, customer, events.</summary>
internal sealed class BillingCustomers(
    Database database, BillingOptions options, PlanCatalog plans, AuditLog audit, TimeProvider time)
{
    /// <summary>The note of an event that an operator should look at, also after its sync.</summary>
    public const string ToReview = "needs review";

    public static readonly TimeSpan ReturnInterval = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(10);

    private static readonly Origin Stripe = new("stripe", Address: null);

    private static readonly SqlFragment Columns = new(
        """
        customer_id, user_id, return_token, unlinked_at, subscription_id, status, plan, plan_until, plan_then, quantity, cancelling,
        current_period_end, grace_ends_at, remembered, flags, billing_interval, trial_ends_at, scheduled_plan, scheduled_at
        """);

    /// <summary>The number of <see cref="Columns"/>.</summary>
    private const int ColumnCount = 19;

    private readonly string _origin = options.Origin;

    public Task<BillingCustomer?> FindAsync(string customerId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and customer_id = {customerId}", Read, cancellationToken);

    public Task<BillingCustomer?> FindLinkedAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and user_id = {userId} and unlinked_at is null",
        Read,
        cancellationToken);

    /// <summary>Reads the state of an account, also on a server that sells nothing. The session has locked the profile.</summary>
    /// <param name="origin">null: the configured one; where nothing is sold, live mode before test mode before a simulator.</param>
    public async Task<(string Origin, BillingState State)> ReadStateAsync(
        Session session, Guid userId, string? origin, CancellationToken cancellationToken)
    {
        var wanted = origin ?? (options.IsConfigured ? _origin : null);
        var linked = await session.ListAsync(
            $"select {Columns}, origin from billing_customers where user_id = {userId} and unlinked_at is null",
            static row => (Origin: row.Text(ColumnCount), Read(row).State),
            cancellationToken);
        return linked.Where(found => wanted is null || found.Origin == wanted)
            .OrderBy(static found => found.Origin switch { BillingOrigins.Live => 0, BillingOrigins.Test => 1, _ => 2 })
            .FirstOrDefault((wanted ?? _origin, BillingState.None));
    }

    public Task<BillingCustomer?> FindByReturnTokenAsync(string token, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and return_token = {token} and unlinked_at is null",
        Read,
        cancellationToken);

    /// <summary>
    /// Whether to sync because a person came back from Stripe: once in <see cref="ReturnInterval"/>, for all instances, and once for each
    /// page of Stripe's that was opened.
    /// </summary>
    public async Task<bool> TryBeginReturnSyncAsync(string customerId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        // An instant far ahead is of an instance whose clock is wrong, and must not keep the others from syncing.
        Sql isDue = $"(returned_at is null or returned_at <= {now - ReturnInterval} or returned_at > {now + ReturnInterval})";
        var row = new SqlPart($"origin = {_origin} and customer_id = {customerId} and {new SqlPart(isDue)}");
        // Looks first: a flood of returns must cost no writes.
        return await database.ReadAsync(
                session => session.NumberAsync($"select count(*) from billing_customers where {row}", cancellationToken),
                cancellationToken) == 1
            && await database.ExecuteAsync($"update billing_customers set returned_at = {now} where {row}", cancellationToken) == 1;
    }

    /// <summary>Allows the next return to sync at once, so that two quick changes both show.</summary>
    public Task<int> ResetReturnIntervalAsync(string customerId, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_customers set returned_at = null
        where origin = {_origin} and customer_id = {customerId} and returned_at is not null
        """,
        cancellationToken);

    public Task<ProfilePlan?> FindProfileAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {ProfilePlan.Columns} from profiles where id = {userId} and deleted_at is null",
        static row => ProfilePlan.Read(row, 0),
        cancellationToken);

    /// <summary>Lists linked customers. The profile is null where the account is deleted.</summary>
    public async IAsyncEnumerable<(BillingCustomer Customer, ProfilePlan? Profile)> ListWithProfilesAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        const int PageSize = 100;
        for (var last = ""; ;)
        {
            var page = await database.ListAsync(
                $"""
                select {Columns} from billing_customers
                where origin = {_origin} and unlinked_at is null and customer_id > {last}
                order by customer_id
                limit {PageSize}
                """,
                Read,
                cancellationToken);
            if (page.Count == 0)
                yield break;
            var next = page[^1].Id;
            var profiles = (await database.ListAsync(
                $"""
                select {ProfilePlan.Columns}, id from profiles
                where deleted_at is null
                  and id in (
                    select user_id from billing_customers
                    where origin = {_origin} and unlinked_at is null and customer_id > {last} and customer_id <= {next})
                """,
                static row => (Id: row.Uuid(ProfilePlan.ColumnCount), Plan: ProfilePlan.Read(row, 0)),
                cancellationToken)).ToDictionary(static profile => profile.Id, static profile => profile.Plan);
            foreach (var customer in page)
                yield return (customer, profiles.GetValueOrDefault(customer.UserId));
            last = next;
        }
    }

    /// <summary>
    /// Links a customer to an account. Does nothing where either is linked already. A customer that was unlinked may be linked again.
    /// </summary>
    /// <param name="userId">Whose it is.</param>
    /// <param name="customerId">The customer's.</param>
    /// <param name="replaces">The account's customer so far, which is unlinked; null: it has none.</param>
    /// <param name="cancellationToken">Stops before the change.</param>
    /// <returns>The customer that the account is linked to now; null where the account is deleted.</returns>
    public async Task<BillingCustomer?> LinkAsync(
        Guid userId, string customerId, string? replaces, CancellationToken cancellationToken)
    {
        try
        {
            return await TryLinkAsync(userId, customerId, replaces, cancellationToken);
        }
        catch (NotLinkedException)
        {
            return await FindLinkedAsync(userId, cancellationToken);
        }
    }

    /// <exception cref="NotLinkedException">It is another account's by now: the one that it would replace stays.</exception>
    private async Task<BillingCustomer?> TryLinkAsync(
        Guid userId, string customerId, string? replaces, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var token = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await database.WriteAsync(
            async session =>
            {
                if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is null)
                    return;
                if (replaces is not null)
                {
                    await session.ExecuteAsync(
                        $"""
                        update billing_customers set unlinked_at = {now}
                        where origin = {_origin} and customer_id = {replaces} and user_id = {userId} and unlinked_at is null
                        """,
                        cancellationToken);
                }

                var isNew = await session.ExecuteAsync(
                    $"""
                    insert into billing_customers (origin, customer_id, user_id, return_token, created_at)
                    values ({_origin}, {customerId}, {userId}, {token}, {now})
                    on conflict do nothing
                    """,
                    cancellationToken);
                var isRelinked = isNew == 0 && await session.ExecuteAsync(
                    $"""
                    update billing_customers set unlinked_at = null
                    where origin = {_origin} and customer_id = {customerId} and user_id = {userId} and unlinked_at is not null
                      and not exists (
                        select 1 from billing_customers b where b.origin = {_origin} and b.user_id = {userId} and b.unlinked_at is null)
                    """,
                    cancellationToken) == 1;
                if (isNew == 0 && !isRelinked && replaces is not null)
                    throw new NotLinkedException();
                // A customer that an earlier system wrote and that was never linked may be the other mode's: the profile alone names it.
                if (isNew == 1 || isRelinked)
                {
                    await session.ExecuteAsync(
                        $"delete from billing_unclaimed where origin = {_origin} and customer_id = {customerId}", cancellationToken);
                    await session.ExecuteAsync(
                        $"""
                        update profiles set stripe_customer_id = {customerId}
                        where id = {userId}
                          and (stripe_customer_id is null
                            or exists (select 1 from billing_customers b where b.customer_id = profiles.stripe_customer_id))
                        """,
                        cancellationToken);
                }
            },
            cancellationToken);
        return await FindLinkedAsync(userId, cancellationToken);
    }

    /// <summary>Lists the account's customers that no longer existed at Stripe, or that another replaced, the latest first.</summary>
    public Task<List<string>> ListUnlinkedAsync(Guid userId, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select customer_id from billing_customers
        where origin = {_origin} and user_id = {userId} and unlinked_at is not null
        order by unlinked_at desc, customer_id
        """,
        static row => row.Text(0),
        cancellationToken);

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
        update stripe_events set note = {ToReview}
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
                set state = {(because is null ? "done" : "ignored")}, note = case when note = {ToReview} then note else {because} end,
                    settled_at = {time.GetInstant()}
                where origin = {_origin} and customer_id = {token.CustomerId}
                  and state in ('pending', 'dead') and taken_seq <= {token.Value}
                  and exists (
                    select 1 from billing_customers c
                    where c.origin = {_origin} and c.customer_id = {token.CustomerId} and c.unlinked_at is not null)
                """,
                cancellationToken);
        },
        cancellationToken);

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
                select {Columns}, applied_seq from billing_customers
                where origin = {_origin} and customer_id = {token.CustomerId} {session.Engine.ForUpdate}
                """,
                static row => new { Customer = Read(row), AppliedSeq = row.Int64(ColumnCount) },
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
                set state = 'done', note = case when note = {ToReview} then note end, settled_at = {now}
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

    private static BillingCustomer Read(Row row) => new(
        row.Text(0),
        row.Uuid(1),
        row.Text(2),
        new BillingState
        {
            SubscriptionId = row.TextOrNull(4),
            Status = row.TextOrNull(5),
            Plan = row.Text(6),
            PlanUntil = row.InstantOrNull(7),
            PlanThen = row.Text(8),
            Quantity = row.Int64OrNull(9),
            Cancelling = row.Boolean(10),
            CurrentPeriodEnd = row.InstantOrNull(11),
            GraceEndsAt = row.InstantOrNull(12),
            Remembered = row.Text(13),
            Flags = row.Text(14),
            Interval = row.TextOrNull(15),
            TrialEndsAt = row.InstantOrNull(16),
            ScheduledPlan = row.TextOrNull(17),
            ScheduledAt = row.InstantOrNull(18),
        },
        IsLinked: row.InstantOrNull(3) is null);

    private sealed class NotLinkedException() : Exception("Neither customer would be linked.");
}

/// <summary>The outcome of a sync. <c>State</c> is what is stored now: another result, unless this one was the newest.</summary>
internal sealed record SyncOutcome(BillingState State, bool IsNewest, bool HasChanged);
