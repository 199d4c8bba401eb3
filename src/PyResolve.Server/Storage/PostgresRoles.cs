namespace PyResolve.Server.Storage;

/// <summary>
/// Limits what browsers may read and change. Supabase grants their roles, anon and authenticated, everything on each table that is made.
/// Row level security without a policy shows them nothing, but neither keeps from locks, nor helps once an operator adds policies. So they
/// keep only the columns that an account may see or change, whatever policies say.
/// </summary>
internal static class PostgresRoles
{
    private const string Protect = """
        do $$
        declare
            ours record;
            browser text;
        begin
            for ours in
                select c.oid::regclass as name, c.relkind, c.relrowsecurity
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema()
                where c.relname = any ('{TABLES}'::text[]) and pg_has_role(c.relowner, 'usage')
                  and exists (select from pg_roles where rolname = 'anon')
                  and ((c.relkind = 'r' and not c.relrowsecurity)
                    or exists (
                        select from aclexplode(c.relacl) a
                        where a.grantee in (select oid from pg_roles where rolname in ('anon', 'authenticated'))))
            loop
                if ours.relkind = 'r' and not ours.relrowsecurity then
                    execute format('alter table %s enable row level security', ours.name);
                end if;
                for browser in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
                    execute format('revoke all on %s from %I', ours.name, browser);
                end loop;
            end loop;
            if exists (select from pg_roles where rolname = 'authenticated') and exists (select from pg_roles where rolname = 'anon')
               and not has_any_column_privilege('authenticated', 'profiles', 'select')
               and pg_has_role((select relowner from pg_class where oid = 'profiles'::regclass), 'usage') then
                grant select (id, email, name, plan, created_at, updated_at), update (name) on profiles to authenticated;
                grant select (id, user_id, name, key_prefix, scopes, requests_per_minute, last_used_at, created_at, expires_at, revoked_at),
                      update (revoked_at) on api_keys to authenticated;
                grant select (user_id, id, event_type, library, tier, quantity, files_changed, tokens_used, metadata, month, occurred_at,
                              created_at) on usage_events to authenticated;
                grant select (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
                      on usage_monthly to authenticated;
                grant select (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
                      on monthly_usage to authenticated;
            end if;
        end $$;
        """;

    /// <param name="session">In a transaction, after the schema is up to date.</param>
    /// <param name="tables">The names of tables and views, in lower case, without anything to quote.</param>
    public static Task ProtectAsync(Session session, IReadOnlyList<string> tables, CancellationToken cancellationToken) =>
        session.ExecuteScriptAsync(
            Protect.Replace("{TABLES}", $"{{{string.Join(',', tables)}}}", StringComparison.Ordinal), cancellationToken);
}
