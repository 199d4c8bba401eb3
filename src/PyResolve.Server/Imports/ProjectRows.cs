using PyResolve.Server.Access;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <param name="Accounts">Profiles.</param>
/// <param name="Keys">API keys.</param>
/// <param name="Events">Usage events.</param>
internal sealed record ImportedRows(long Accounts, long Keys, long Events)
{
    public long Total => Accounts + Keys + Events;
}

/// <param name="Rows">What was written.</param>
/// <param name="Locked">For how long nobody else could use the tables.</param>
/// <param name="Clashes">Accounts that share a mailbox.</param>
internal sealed record ImportOutcome(ImportedRows Rows, TimeSpan Locked, IReadOnlyList<EmailClash> Clashes)
{
    public static ImportOutcome Nothing { get; } = new(new ImportedRows(0, 0, 0), TimeSpan.Zero, []);
}

/// <summary>
/// Writes a project's rows into the server's tables. Rows that are there stay as they are, except for a revocation: repeating it adds what
/// is new. The reasons for what is left out or changed are those of <see cref="ImportFindings"/>.
/// </summary>
internal static class ProjectRows
{
    /// <param name="session">In a transaction, whose tables are up to date.</param>
    /// <param name="tables">Where the rows are.</param>
    /// <param name="progress">Told which of the server's tables is written.</param>
    public static async Task<ImportedRows> WriteAsync(
        Session session, ProjectTables tables, Action<string> progress, CancellationToken cancellationToken)
    {
        progress("profiles");
        var accounts = await session.ExecuteAsync(Profiles(tables), cancellationToken);
        progress("api_keys");
        var keys = await session.ExecuteAsync(Keys(tables), cancellationToken);
        await session.ExecuteAsync(Revocations(tables), cancellationToken);
        await session.ExecuteAsync($"analyze profiles", cancellationToken);
        progress("usage_events");
        var events = await session.NumberAsync(Events(tables), cancellationToken);
        return new ImportedRows(accounts, keys, events ?? 0);
    }

    private static Sql Profiles(ProjectTables tables) =>
        $"""
        insert into profiles (id, email, name, plan, stripe_customer_id, created_at, updated_at, email_verified_at)
        select p.id, lower(btrim(p.address)), nullif(left(regexp_replace(p.name, '[[:cntrl:]]', '', 'g'), 200), ''),
               case when p.plan ~ {Plan.NamePattern} then p.plan else {PlanCatalog.Free} end,
               nullif(btrim(p.stripe_customer_id), ''),
               coalesce(p.created_at, now()), coalesce(p.updated_at, p.created_at, now()),
               case when p.is_user and (p.confirmation_sent_at is not null or p.invited_at is not null) then p.email_confirmed_at end
        from ({new SqlPart(ImportFindings.AcceptedProfiles(tables))}) p
        order by p.created_at, p.id
        on conflict (id) do nothing
        """;

    private static Sql Keys(ProjectTables tables) =>
        $"""
        insert into api_keys (id, user_id, key_hash, key_prefix, name, last_used_at, created_at, expires_at, revoked_at)
        select distinct on (k.key_prefix) k.id, k.user_id, k.key_hash, k.key_prefix,
               coalesce(nullif(left(regexp_replace(btrim(k.name), '[[:cntrl:]]', '', 'g'), 100), ''), 'Default'),
               k.last_used_at, coalesce(k.created_at, p.created_at), k.expires_at, k.revoked_at
        from {tables.KeyRows} k
        join profiles p on p.id = k.user_id and p.deleted_at is null
        where length(k.key_prefix) = 20 and coalesce(k.key_hash, '') ~ {ImportFindings.Hash}
        order by k.key_prefix, k.revoked_at is null desc, k.created_at desc nulls last, k.id
        on conflict do nothing
        """;

    /// <summary>A key that was copied before and has been revoked since must not live on here.</summary>
    private static Sql Revocations(ProjectTables tables) =>
        $"""
        update api_keys t set revoked_at = k.revoked_at
        from {tables.KeyRows} k
        where k.id = t.id and k.user_id = t.user_id and t.revoked_at is null and k.revoked_at is not null
        """;

    /// <summary>One statement: what was not added must not move the sums.</summary>
    private static Sql Events(ProjectTables tables) =>
        $$"""
        with added as (
            insert into usage_events as u
                (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month, occurred_at, created_at)
            select e.user_id, e.id, e.event_type, nullif(left(e.library, 128), ''),
                   case when e.tier in ('tier1', 'tier2', 'tier3') then e.tier end, 1,
                   least(greatest(coalesce(e.files_changed, 0), 0), 2147483647), least(greatest(coalesce(e.tokens_used, 0), 0), 2147483647),
                   case when e.metadata is null then '{}' when jsonb_typeof(e.metadata) = 'object' then e.metadata::text
                        else jsonb_build_object('value', e.metadata)::text end::json,
                   to_char(e.created_at at time zone 'UTC', 'YYYY-MM'), e.created_at, e.created_at
            from {{tables.EventRows}} e
            join profiles p on p.id = e.user_id
            where isfinite(e.created_at) and e.event_type <> ''
            on conflict do nothing
            returning u.user_id, u.month, u.event_type, u.tier, u.library, u.tokens_used, u.files_changed, u.occurred_at),
        months as (
            insert into usage_monthly as m
                (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
            select a.user_id, a.month,
                   count(*) filter (where a.event_type = 'migration'),
                   count(*) filter (where a.event_type = 'migration' and a.tier = 'tier1'),
                   count(*) filter (where a.event_type = 'migration' and a.tier in ('tier2', 'tier3')),
                   sum(a.tokens_used), sum(a.files_changed)
            from added a
            group by 1, 2
            order by 1, 2
            on conflict (user_id, month) do update set
                migrations = m.migrations + excluded.migrations,
                tier1_migrations = m.tier1_migrations + excluded.tier1_migrations,
                llm_migrations = m.llm_migrations + excluded.llm_migrations,
                total_tokens = m.total_tokens + excluded.total_tokens,
                total_files_changed = m.total_files_changed + excluded.total_files_changed),
        days as (
            insert into usage_daily as d (user_id, month, date, migrations, tokens)
            select a.user_id, a.month, to_char(a.occurred_at at time zone 'UTC', 'YYYY-MM-DD'),
                   count(*) filter (where a.event_type = 'migration'), sum(a.tokens_used)
            from added a
            where a.event_type = 'migration' or a.tokens_used > 0
            group by 1, 2, 3
            order by 1, 2, 3
            on conflict (user_id, month, date) do update set
                migrations = d.migrations + excluded.migrations, tokens = d.tokens + excluded.tokens),
        libraries as (
            insert into usage_libraries as l (user_id, month, library, migrations)
            select a.user_id, a.month, coalesce(a.library, ''), count(*)
            from added a
            where a.event_type = 'migration'
            group by 1, 2, 3
            order by 1, 2, 3
            on conflict (user_id, month, library) do update set migrations = l.migrations + excluded.migrations)
        select count(*) from added
        """;
}
