using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Http;
using PyResolve.Server.Keys;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

internal sealed record AccountFacts(
    Guid Id, string Email, string? Name, DateTimeOffset CreatedAt, DateTimeOffset? VerifiedAt, DateTimeOffset? DeletedAt,
    string? CustomerId, bool HasSecondFactor, long Extra, ProfilePlan Plan);

internal sealed record AccountCustomer(
    string Origin, string Id, bool IsLinked, string? SubscriptionId, string? Status, string Plan, DateTimeOffset? PlanUntil,
    bool Cancelling, DateTimeOffset? PeriodEnd, DateTimeOffset? GraceEndsAt, string Flags, DateTimeOffset? SyncedAt)
{
    /// <summary>The address of Stripe's own page of the customer; null for a simulator's.</summary>
    public string? Url => Origin switch
    {
        "live" => $"https://dashboard.stripe.com/customers/{Uri.EscapeDataString(Id)}",
        "test" => $"https://dashboard.stripe.com/test/customers/{Uri.EscapeDataString(Id)}",
        _ => null,
    };
}

/// <summary>The figures and lists that the page of an account shows. <c>Limits</c>: what its plan allows without extra units.</summary>
internal sealed record AccountDetails(
    AccountFacts Facts,
    IReadOnlyList<AccountCustomer> Customers,
    QuotaSnapshot Quota,
    IReadOnlyList<MonthlyUsage> Months,
    IReadOnlyList<ApiKeyInfo> Keys,
    IReadOnlyList<SessionInfo> Sessions,
    IReadOnlyList<StoredReservation> Held,
    IReadOnlyList<OperatorAuditEntry> Log,
    DateTimeOffset Now)
{
    public required SignedInOperator Operator { get; init; }

    public required PlanCatalog Plans { get; init; }

    /// <summary>The name of the form that was just accepted; null: none.</summary>
    public string? Done { get; init; }

    public ProblemResult? Problem { get; init; }

    /// <summary>The name of the form that <see cref="Problem"/> belongs to.</summary>
    public string? Form { get; init; }

    /// <summary>The text that the account's keys were searched for; null: they are the latest.</summary>
    public string? KeySearch { get; init; }

    public bool HasMoreKeys { get; init; }

    public ProblemResult? ProblemOf(string form) => Form == form ? Problem : null;

    public IReadOnlyList<string> Why => PlanReasons.Explain(Facts.Plan, Customers, Plans, Now);
}

internal sealed class AccountReader(
    Database database, QuotaReader quotas, StatisticsReader statistics, ApiKeyLists keys, Sessions sessions, ReservationList reservations,
    AuditSearch log, PlanCatalog plans, TimeProvider time)
{
    private const int MonthsShown = 6;
    private const int KeysShown = 50;
    private const int EntriesShown = 20;
    private const int HeldShown = 20;
    private const int SessionsShown = 20;

    /// <returns>null: there is no such account.</returns>
    public async Task<AccountDetails?> ReadAsync(
        Guid id, SignedInOperator by, string? keySearch, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        if (await FindFactsAsync(id, now, cancellationToken) is not { } facts)
            return null;
        // Who looks for a key may mean one that was revoked long ago.
        var keyQuery = KeyListQuery.ReadPage(string.IsNullOrEmpty(keySearch) ? null : "all", keySearch, cursor: null, KeysShown);
        var keyList = await keys.ReadAsync(id, keyQuery, cancellationToken);
        var owner = new Caller(id, facts.Email, facts.Name);
        return new AccountDetails(
            facts,
            await ListCustomersAsync(id, cancellationToken),
            await quotas.ReadAsync(id, cancellationToken),
            (await statistics.ReadHistoryAsync(id, MonthsShown, cancellationToken)).Data,
            keyList.Data,
            [.. (await sessions.ListAsync(owner, cancellationToken)).Take(SessionsShown)],
            [.. (await reservations.ReadAsync(id, ReservationStates.Held, before: null, cancellationToken)).Take(HeldShown)],
            [.. (await log.ReadAsync(new AuditFilter(id), AuditPosition.Newest, EntriesShown, cancellationToken)).Take(EntriesShown)],
            now)
        {
            Operator = by,
            Plans = plans,
            KeySearch = keyQuery.Search,
            HasMoreKeys = keyList.NextCursor is not null,
        };
    }

    public async Task<bool> ExistsAsync(Guid id, CancellationToken cancellationToken) => await database.ReadAsync(
        session => session.NumberAsync(
            $"select count(*) from profiles where id = {id} and deleted_at is null", cancellationToken),
        cancellationToken) > 0;

    private Task<AccountFacts?> FindFactsAsync(Guid id, DateTimeOffset now, CancellationToken cancellationToken) =>
        database.OfAccount(id).ReadAsync(
        async session =>
        {
            var batch = new ReadBatch(session);
            var facts = batch.List(
                $"""
                select id, email, name, created_at, email_verified_at, deleted_at, stripe_customer_id,
                       (select count(*) from second_factors s where s.user_id = p.id and s.confirmed_at is not null),
                       {ProfilePlan.Columns}
                from profiles p
                where p.id = {id}
                """,
                static row => new AccountFacts(
                    row.Uuid(0), row.Text(1), row.TextOrNull(2), row.Instant(3), row.InstantOrNull(4), row.InstantOrNull(5),
                    row.TextOrNull(6), row.Int64(7) > 0, Extra: 0, ProfilePlan.Read(row, 8)));
            var extra = batch.List(
                $"select extra from usage_monthly where user_id = {id} and month = {now.ToMonth()}", static row => row.Int64(0));
            await batch.RunAsync(cancellationToken);
            return facts.FirstOrDefault() is { } found ? found with { Extra = extra.FirstOrDefault() } : null;
        },
        cancellationToken);

    private Task<List<AccountCustomer>> ListCustomersAsync(Guid id, CancellationToken cancellationToken) => database.ListAsync(
        $"""
        select origin, customer_id, unlinked_at, subscription_id, status, plan, plan_until, cancelling, current_period_end, grace_ends_at,
               flags, applied_at
        from billing_customers
        where user_id = {id}
        order by unlinked_at is not null, origin, customer_id
        """,
        static row => new AccountCustomer(
            row.Text(0), row.Text(1), row.InstantOrNull(2) is null, row.TextOrNull(3), row.TextOrNull(4), row.Text(5), row.InstantOrNull(6),
            row.Boolean(7), row.InstantOrNull(8), row.InstantOrNull(9), row.Text(10), row.InstantOrNull(11)),
        cancellationToken);
}
