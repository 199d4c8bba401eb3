using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using PyResolve.Server.Billing.Settings;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Billing.Sync;

internal sealed record BillingCustomer(string Id, Guid UserId, string ReturnToken, BillingState State, bool IsLinked);

/// <summary>The rows of customers. Locks are always taken in the order profile, customer, events.</summary>
internal sealed class BillingCustomers(Database database, BillingOptions options, TimeProvider time)
{
    /// <summary>The note of an event that an operator should look at, also after its sync.</summary>
    public const string ToReview = "needs review";

    public static readonly TimeSpan ReturnInterval = TimeSpan.FromSeconds(5);

    public static readonly SqlFragment Columns = new(
        """
        customer_id, user_id, return_token, unlinked_at, subscription_id, status, plan, plan_until, plan_then, quantity, cancelling,
        current_period_end, grace_ends_at, remembered, flags, billing_interval, trial_ends_at, scheduled_plan, scheduled_at
        """);

    /// <summary>The number of <see cref="Columns"/>.</summary>
    public const int ColumnCount = 19;

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

    public static BillingCustomer Read(Row row) => new(
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
