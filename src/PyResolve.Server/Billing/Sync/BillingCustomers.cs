using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using PyResolve.Server.Audit;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

/// <summary>An account's customer at Stripe.</summary>
internal sealed record BillingCustomer(string Id, Guid UserId, string ReturnToken, Standing Standing, bool IsLinked, DateTimeOffset? AppliedAt);

/// <summary>A number taken before a fetch: its result is written only where no later one was.</summary>
/// <param name="Lease">Whose turn it is; <see langword="null"/> for a fetch that waits for nobody.</param>
/// <param name="AccountIsGone">Whether the account was deleted here.</param>
internal sealed record SyncNumber(string CustomerId, Guid UserId, long Value, Guid? Lease, bool AccountIsGone = false);

/// <summary>
/// The rows that tie accounts to customers, with the fence around them. Locks are taken in one order: the profile, then the customer,
/// then events.
/// </summary>
internal sealed class BillingCustomers(Database database, BillingOptions options, AuditLog audit, TimeProvider time)
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(10);

    private static readonly Origin Stripe = new("stripe", Address: null);

    private static readonly SqlFragment Columns = new(
        """
        customer_id, user_id, return_token, unlinked_at, applied_at, subscription_id, status, plan, plan_until, plan_then, quantity, cancelling,
        current_period_end, grace_ends_at, remembered, flags
        """);

    private readonly string _origin = options.Origin;

    public Task<BillingCustomer?> FindAsync(string customerId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and customer_id = {customerId}", Read, cancellationToken);

    public Task<BillingCustomer?> FindLinkedAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and user_id = {userId} and unlinked_at is null", Read, cancellationToken);

    /// <summary>What the account's customer was found to have, at whichever Stripe, whether or not this process has a key.</summary>
    /// <param name="session">One that has locked the profile.</param>
    /// <param name="userId">Whose.</param>
    /// <param name="origin">Which Stripe's; where <see langword="null"/>, this process's, else the most real one.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public async Task<(string Origin, Standing Standing)> ReadStandingAsync(Session session, Guid userId, string? origin, CancellationToken cancellationToken)
    {
        var wanted = origin ?? (options.IsConfigured ? _origin : null);
        var linked = await session.ListAsync(
            $"select {Columns}, origin from billing_customers where user_id = {userId} and unlinked_at is null",
            static row => (Origin: row.Text(16), Read(row).Standing),
            cancellationToken);
        return linked.Where(found => wanted is null || found.Origin == wanted)
            .OrderBy(static found => found.Origin switch { BillingOrigins.Live => 0, BillingOrigins.Test => 1, _ => 2 })
            .FirstOrDefault((wanted ?? _origin, Standing.None));
    }

    public Task<BillingCustomer?> FindByReturnTokenAsync(string token, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {Columns} from billing_customers where origin = {_origin} and return_token = {token} and unlinked_at is null", Read, cancellationToken);

    /// <summary>What an account's profile says; <see langword="null"/> where the account is gone.</summary>
    public Task<ProfilePlan?> FindProfileAsync(Guid userId, CancellationToken cancellationToken) => database.FirstAsync(
        $"select {ProfilePlan.Columns} from profiles where id = {userId} and deleted_at is null", static row => ProfilePlan.Read(row, 0), cancellationToken);

    /// <summary>All that are tied to an account, with what its profile says; <see langword="null"/> where the account is gone.</summary>
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
                  and id in (select user_id from billing_customers where origin = {_origin} and unlinked_at is null and customer_id > {last} and customer_id <= {next})
                """,
                static row => (Id: row.Uuid(5), Plan: ProfilePlan.Read(row, 0)),
                cancellationToken)).ToDictionary(static profile => profile.Id, static profile => profile.Plan);
            foreach (var customer in page)
                yield return (customer, profiles.GetValueOrDefault(customer.UserId));
            last = next;
        }
    }

    /// <summary>Ties an account to a customer, unless either is tied already. One that was the account's and was gone may be tied again.</summary>
    /// <returns>The customer that the account is tied to now; <see langword="null"/> where the account is gone.</returns>
    public async Task<BillingCustomer?> LinkAsync(Guid userId, string customerId, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var token = RandomNumberGenerator.GetHexString(32, lowercase: true);
        await database.WriteAsync(
            async session =>
            {
                if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is null)
                    return;
                var isNew = await session.ExecuteAsync(
                    $"""
                    insert into billing_customers (origin, customer_id, user_id, return_token, created_at)
                    values ({_origin}, {customerId}, {userId}, {token}, {now})
                    on conflict do nothing
                    """,
                    cancellationToken);
                var isBack = isNew == 0 && await session.ExecuteAsync(
                    $"""
                    update billing_customers set unlinked_at = null
                    where origin = {_origin} and customer_id = {customerId} and user_id = {userId} and unlinked_at is not null
                      and not exists (select 1 from billing_customers b where b.origin = {_origin} and b.user_id = {userId} and b.unlinked_at is null)
                    """,
                    cancellationToken) == 1;
                // One that an earlier system named, and that nobody here was ever tied to, may be the other mode's: it is all that tells of it.
                if (isNew == 1 || isBack)
                {
                    await session.ExecuteAsync(
                        $"""
                        update profiles set stripe_customer_id = {customerId}
                        where id = {userId}
                          and (stripe_customer_id is null or exists (select 1 from billing_customers b where b.customer_id = profiles.stripe_customer_id))
                        """,
                        cancellationToken);
                }
            },
            cancellationToken);
        return await FindLinkedAsync(userId, cancellationToken);
    }

    /// <summary>The account's customers that were seen to be gone, the last one first.</summary>
    public Task<List<string>> ListUnlinkedAsync(Guid userId, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select customer_id from billing_customers
        where origin = {_origin} and user_id = {userId} and unlinked_at is not null
        order by unlinked_at desc, customer_id
        """,
        static row => row.Text(0),
        cancellationToken);

    /// <summary>How many customers of the account were deleted at Stripe: the next one needs another idempotency key.</summary>
    public async Task<long> CountUnlinkedAsync(Guid userId, CancellationToken cancellationToken) => await database.ReadAsync(
        session => session.NumberAsync(
            $"select count(*) from billing_customers where origin = {_origin} and user_id = {userId} and unlinked_at is not null", cancellationToken),
        cancellationToken) ?? 0;

    /// <summary>Takes the number of a fetch that begins now, for the events stored so far.</summary>
    /// <param name="customerId">The customer.</param>
    /// <param name="lease">Waits its turn: nothing is taken while another's lease runs. <see langword="null"/>: does not.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public Task<SyncNumber?> TakeNumberAsync(string customerId, Guid? lease, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var taken = lease is null
                ? await session.FirstAsync(
                    $"""
                    update billing_customers set sync_seq = sync_seq + 1
                    where origin = {_origin} and customer_id = {customerId} and unlinked_at is null
                    returning sync_seq, user_id
                    """,
                    row => new SyncNumber(customerId, row.Uuid(1), row.Int64(0), lease),
                    cancellationToken)
                : await session.FirstAsync(
                    $"""
                    update billing_customers set sync_seq = sync_seq + 1, lease_owner = {lease}, lease_until = {now + LeaseTime}
                    where origin = {_origin} and customer_id = {customerId} and unlinked_at is null and (lease_until is null or lease_until <= {now})
                    returning sync_seq, user_id
                    """,
                    row => new SyncNumber(customerId, row.Uuid(1), row.Int64(0), lease),
                    cancellationToken);
            if (taken is not null)
            {
                await session.ExecuteAsync(
                    $"""
                    update stripe_events set taken_seq = {taken.Value}
                    where origin = {_origin} and customer_id = {customerId} and state in ('pending', 'dead') and taken_seq is null
                    """,
                    cancellationToken);
                var accounts = await session.NumberAsync($"select count(*) from profiles where id = {taken.UserId} and deleted_at is null", cancellationToken);
                taken = taken with { AccountIsGone = accounts == 0 };
            }

            return taken;
        },
        cancellationToken);

    public Task RenewAsync(SyncNumber number, CancellationToken cancellationToken) => database.ExecuteAsync(
        $"""
        update billing_customers set lease_until = {time.GetInstant() + LeaseTime}
        where origin = {_origin} and customer_id = {number.CustomerId} and lease_owner = {number.Lease}
        """,
        cancellationToken);

    public Task ReleaseAsync(SyncNumber number, CancellationToken cancellationToken) =>
        database.WriteAsync(session => ReleaseAsync(session, number, cancellationToken), cancellationToken);

    /// <summary>Writes what a fetch found, unless a later one was written; either way the events that it was for are done.</summary>
    /// <param name="number">Taken before the fetch.</param>
    /// <param name="judge">From what was found before to what is found now; <see langword="null"/>: the customer is gone at Stripe.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    public Task<Applied> ApplyAsync(SyncNumber number, Func<Standing, Standing>? judge, CancellationToken cancellationToken) => database.WriteAsync(
        async session =>
        {
            var now = time.GetInstant();
            var profile = await ProfilePlan.LockAsync(session, number.UserId, cancellationToken);
            var row = await session.FirstAsync(
                $"""
                select {Columns}, applied_seq from billing_customers
                where origin = {_origin} and customer_id = {number.CustomerId} {session.Engine.ForUpdate}
                """,
                static row => new { Customer = Read(row), AppliedSeq = row.Int64(16) },
                cancellationToken);
            var before = row?.Customer.Standing ?? Standing.None;
            var isNewest = row is { Customer.IsLinked: true } && row.AppliedSeq < number.Value;
            var standing = !isNewest ? before : judge?.Invoke(before) ?? Standing.None;
            var hasGranted = false;
            if (isNewest)
            {
                await WriteAsync(session, number, standing, isGone: judge is null, now, cancellationToken);
                hasGranted = profile is not null
                    && await GrantAsync(session, number.UserId, profile, standing, judge is null ? number.CustomerId : null, now, cancellationToken);
            }

            await session.ExecuteAsync(
                $"""
                update stripe_events set state = 'done', note = null, settled_at = {now}
                where origin = {_origin} and customer_id = {number.CustomerId} and state in ('pending', 'dead') and taken_seq <= {number.Value}
                """,
                cancellationToken);
            await ReleaseAsync(session, number, cancellationToken);
            return new Applied(standing, IsNewest: isNewest, HasChanged: standing != before || hasGranted);
        },
        cancellationToken);

    private Task ReleaseAsync(Session session, SyncNumber number, CancellationToken cancellationToken) => number.Lease is null
        ? Task.CompletedTask
        : session.ExecuteAsync(
            $"""
            update billing_customers set lease_owner = null, lease_until = null
            where origin = {_origin} and customer_id = {number.CustomerId} and lease_owner = {number.Lease}
            """,
            cancellationToken);

    private Task<int> WriteAsync(Session session, SyncNumber number, Standing standing, bool isGone, DateTimeOffset now, CancellationToken cancellationToken)
    {
        DateTimeOffset? unlinkedAt = isGone ? now : null;
        return session.ExecuteAsync(
            $"""
            update billing_customers
            set applied_seq = {number.Value}, applied_at = {now}, unlinked_at = {unlinkedAt}, subscription_id = {standing.SubscriptionId},
                status = {standing.Status}, plan = {standing.Plan}, plan_until = {standing.PlanUntil},
                plan_then = {standing.PlanThen}, quantity = {standing.Quantity}, cancelling = {standing.Cancelling},
                current_period_end = {standing.CurrentPeriodEnd}, grace_ends_at = {standing.GraceEndsAt},
                remembered = {standing.Remembered}, flags = {standing.Flags}
            where origin = {_origin} and customer_id = {number.CustomerId} and applied_seq < {number.Value}
            """,
            cancellationToken);
    }

    /// <returns>Whether the profile said something else.</returns>
    private async Task<bool> GrantAsync(
        Session session, Guid userId, ProfilePlan profile, Standing standing, string? goneCustomerId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (goneCustomerId is not null)
        {
            await session.ExecuteAsync(
                $"update profiles set stripe_customer_id = null where id = {userId} and stripe_customer_id = {goneCustomerId}", cancellationToken);
        }

        if (profile.Follows(standing, _origin))
            return false;
        var granted = ProfilePlan.Of(standing, profile.Override, _origin);
        await granted.WriteAsync(session, userId, now, cancellationToken);
        if (granted.Plan != profile.Plan)
            await audit.WriteAsync(session, userId, Stripe, AuditActions.PlanChanged, granted.Plan, cancellationToken);
        return true;
    }

    private static BillingCustomer Read(Row row) => new(
        row.Text(0),
        row.Uuid(1),
        row.Text(2),
        new Standing
        {
            SubscriptionId = row.TextOrNull(5),
            Status = row.TextOrNull(6),
            Plan = row.Text(7),
            PlanUntil = row.InstantOrNull(8),
            PlanThen = row.Text(9),
            Quantity = row.Int64OrNull(10),
            Cancelling = row.Boolean(11),
            CurrentPeriodEnd = row.InstantOrNull(12),
            GraceEndsAt = row.InstantOrNull(13),
            Remembered = row.Text(14),
            Flags = row.Text(15),
        },
        IsLinked: row.InstantOrNull(3) is null,
        row.InstantOrNull(4));
}

/// <summary>How a fetch's result was taken.</summary>
/// <param name="Standing">What is stored now.</param>
/// <param name="IsNewest">Whether it was this one's; otherwise a later fetch's stands.</param>
/// <param name="HasChanged">Whether it differs from what was stored before, there or in the profile.</param>
internal sealed record Applied(Standing Standing, bool IsNewest, bool HasChanged);
