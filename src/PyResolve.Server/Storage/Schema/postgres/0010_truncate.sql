-- Row security does not keep from TRUNCATE, which Supabase grants to the roles of browsers by default, as everything else. Its interface
-- offers no TRUNCATE; a function of somebody's own might.
-- compatible_from: 1

do $$
declare
    ours text;
begin
    if exists (select from pg_roles where rolname = 'anon') then
        foreach ours in array array[
            'schema_versions', 'profiles', 'passwords', 'api_keys', 'sessions', 'usage_events', 'usage_monthly', 'reservations', 'key_epoch',
            'key_changes', 'device_codes', 'device_salt', 'attempts', 'email_tokens', 'identities', 'audit_log', 'usage_daily', 'usage_libraries',
            'letters', 'repeated_holds', 'usage_retention', 'billing_customers', 'stripe_events', 'billing_checkouts', 'billing_jobs',
            'billing_customer_attempts']
        loop
            execute format('revoke truncate on %I from anon, authenticated', ours);
        end loop;
    end if;
end $$;
