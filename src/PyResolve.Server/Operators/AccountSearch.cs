using PyResolve.Server.Access;
using PyResolve.Server.Keys;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

internal sealed record FoundByOperator(
    Guid Id, string Email, string? Name, string Plan, long Used, DateTimeOffset CreatedAt, bool IsDeleted);

/// <summary>
/// A page of accounts that were found. <c>Query</c>: as it was understood, a whole key cut to its prefix. <c>Next</c>: null on the last
/// page.
/// </summary>
internal sealed record AccountTable(string Query, IReadOnlyList<FoundByOperator> Accounts, string? Next);

/// <summary>
/// Finds accounts by one text: the start of an email address, an id (of the account or of a key), the start of a key, or a Stripe customer.
/// Each by an index.
/// </summary>
internal sealed class AccountSearch(Database database, AcceptedKeys keys, PlanCatalog plans, TimeProvider time)
{
    public const int PageSize = 50;
    public const int MaxQueryLength = 254;

    private static readonly SqlFragment Columns = new(
        $"p.id, p.email, p.name, {EffectivePlan.Columns.Text}, p.created_at, p.deleted_at, p.email_key");

    private const int Plan = 3;
    private const int AfterPlan = Plan + EffectivePlan.ColumnCount;
    private const int MaxKeysFound = 50;

    /// <summary>Sorts after every text with the same prefix.</summary>
    private const string Highest = "\U0010FFFF";

    /// <param name="text">What the operator typed; empty: every account.</param>
    /// <param name="after">The last address of the page before; null: the first page.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public async Task<AccountTable> FindAsync(string? text, string? after, CancellationToken cancellationToken)
    {
        var query = text?.Trim() ?? "";
        if (keys.IsWellFormed(query))
            query = ApiKeyFormat.PrefixOf(query);
        if (Guid.TryParse(query, out var id))
            return await ListAsync(query, $"select {id} as id union select user_id from api_keys where id = {id}", cancellationToken);
        if (keys.HasKeyForm(query))
            return await ListAsync(query, ByKey(query), cancellationToken);
        if (query.StartsWith("cus_", StringComparison.Ordinal))
            return await ListAsync(query, ByCustomer(query), cancellationToken);
        return await ListByEmailAsync(query, after, cancellationToken);
    }

    // Keys are hexadecimal digits, which every collation orders before g.
    private static Sql ByKey(string start) =>
        $"""
        select user_id as id from (
            select user_id from api_keys
            where key_prefix >= {start} and key_prefix < {start + "g"} and substr(key_prefix, 1, cast({start.Length} as integer)) = {start}
            order by key_prefix
            limit {MaxKeysFound}) k
        """;

    private static Sql ByCustomer(string customerId) =>
        $"""
        select user_id as id from billing_customers where origin in ('live', 'test', 'local') and customer_id = {customerId}
        union
        select id from profiles where stripe_customer_id = {customerId}
        """;

    private async Task<AccountTable> ListByEmailAsync(string query, string? after, CancellationToken cancellationToken)
    {
        await EmailKeys.FillAsync(database, cancellationToken);
        var start = query.ToLowerInvariant();
        var (now, last) = (time.GetInstant(), after ?? "");
        var rows = await ListAsync(
            of => $"""
            select {Columns}, {of.Used}
            from profiles p {of.Join}
            where p.email_key >= {start} and p.email_key < {start + Highest} and p.email_key > {last} and p.deleted_at is null
            order by p.email_key
            limit {PageSize + 1}
            """,
            now,
            cancellationToken);
        var page = rows.Take(PageSize).ToList();
        var found = page.ConvertAll(static row => row.Account);
        // A second account of one mailbox, from before addresses had a normal form, has no key of its own.
        if (after is null && query.Length > 0)
        {
            found.AddRange((await ListAsync(
                query, $"select id from profiles where email_clash is not null and email = {start}", cancellationToken)).Accounts);
        }

        return new AccountTable(query, found, rows.Count > PageSize ? page[^1].Key : null);
    }

    private async Task<AccountTable> ListAsync(string query, Sql ids, CancellationToken cancellationToken)
    {
        var now = time.GetInstant();
        var found = await ListAsync(
            of => $"""
            select {Columns}, {of.Used}
            from ({new SqlPart(ids)}) f
            join profiles p on p.id = f.id {of.Join}
            order by p.email, p.id
            limit {PageSize}
            """,
            now,
            cancellationToken);
        return new AccountTable(query, [.. found.Select(static row => row.Account).DistinctBy(static account => account.Id)], Next: null);
    }

    private Task<List<(string? Key, FoundByOperator Account)>> ListAsync(
        Func<MonthOfAccount, Sql> write, DateTimeOffset now, CancellationToken cancellationToken) => database.ReadAsync(
        async session =>
        {
            var month = new MonthOfAccount(session, now.ToMonth());
            var rows = await session.ListAsync(
                write(month), row => (Key: row.TextOrNull(AfterPlan + 2), Account: Read(row, now)), cancellationToken);
            var used = await month.ReadAsync([.. rows.Select(static row => row.Account.Id).Distinct()], cancellationToken);
            return used is null
                ? rows
                : rows.ConvertAll(row => row with { Account = row.Account with { Used = used.GetValueOrDefault(row.Account.Id) } });
        },
        cancellationToken);

    private FoundByOperator Read(Row row, DateTimeOffset now) => new(
        row.Uuid(0), row.Text(1), row.TextOrNull(2), plans[EffectivePlan.Read(row, Plan, now)].Title, row.Int64(AfterPlan + 3),
        row.Instant(AfterPlan), row.InstantOrNull(AfterPlan + 1) is not null);
}
