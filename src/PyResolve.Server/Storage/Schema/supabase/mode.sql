-- What a Supabase project needs beside the tables: profiles that follow auth.users, the functions that browsers and the service role call, and
-- policies. Run after each change of the schema. It does nothing on another PostgreSQL, and nothing when this text was run before.

do $mode$
declare
    here  text := current_schema();
    crypto text;
begin
    if (select count(*) from pg_roles where rolname in ('anon', 'authenticated', 'service_role')) < 3
       or to_regclass('auth.users') is null or to_regprocedure('auth.uid()') is null
       or not pg_has_role((select relowner from pg_class where oid = 'profiles'::regclass), 'usage') then
        return;
    end if;
    if obj_description(to_regprocedure(format('%I.handle_new_user()', here)), 'pg_proc') = 'PyResolve {VERSION}' then
        return;
    end if;

    select n.nspname into crypto
    from pg_extension e
    join pg_namespace n on n.oid = e.extnamespace
    where e.extname = 'pgcrypto';
    if crypto is null then
        crypto := case when to_regnamespace('extensions') is null then here else 'extensions' end;
        execute format('create extension pgcrypto schema %I', crypto);
    end if;

    -- Every name is qualified, and pg_temp, where any role may create tables, is searched last.
    execute format($ddl$
        -- An address counts as verified only where a message was sent to it: a project may confirm addresses without one.
        create or replace function %1$I.auth_email_verified_at(confirmed timestamptz, sent timestamptz, invited timestamptz)
        returns timestamptz
        language sql immutable set search_path = %1$I, pg_temp as $fn$
            select case when sent is not null or invited is not null then confirmed end
        $fn$;

        create or replace function %1$I.handle_new_user() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            if new.email is not null then
                insert into %1$I.profiles (id, email, name, email_verified_at)
                values (
                    new.id, lower(new.email),
                    left(regexp_replace(coalesce(new.raw_user_meta_data->>'name', split_part(new.email, '@', 1)), '[[:cntrl:]]', '', 'g'), 200),
                    %1$I.auth_email_verified_at(new.email_confirmed_at, new.confirmation_sent_at, new.invited_at))
                on conflict (id) do nothing;
            end if;
            return new;
        end $fn$;

        create or replace function %1$I.handle_changed_user() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            update %1$I.profiles
            set email = lower(new.email),
                email_verified_at = case
                    when new.email is distinct from old.email and new.email_change_sent_at is not null then now()
                    else %1$I.auth_email_verified_at(new.email_confirmed_at, new.confirmation_sent_at, new.invited_at) end,
                updated_at = now()
            where id = new.id and deleted_at is null and new.email is not null;
            return new;
        end $fn$;

        drop trigger if exists on_auth_user_created on auth.users;
        create trigger on_auth_user_created after insert on auth.users for each row execute function %1$I.handle_new_user();
        drop trigger if exists on_auth_user_changed on auth.users;
        create trigger on_auth_user_changed after update of email, email_confirmed_at on auth.users for each row
        when ((old.email, old.email_confirmed_at) is distinct from (new.email, new.email_confirmed_at))
        execute function %1$I.handle_changed_user();

        create or replace function %1$I.create_api_key(p_name text default 'Default')
        returns table (api_key text, key_prefix text)
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        declare
            v_user_id uuid := auth.uid();
            v_name    text := coalesce(nullif(btrim(p_name), ''), 'Default');
            v_key     text;
        begin
            if v_user_id is null then
                raise exception 'Not authenticated';
            end if;
            if length(v_name) > 100 or v_name ~ '[[:cntrl:]]' then
                raise exception 'The name has at most 100 characters, and no control characters.';
            end if;
            -- One after the other, so that the count holds.
            perform from %1$I.profiles p where p.id = v_user_id and p.deleted_at is null for no key update;
            if not found then
                raise exception 'There is no such account.';
            end if;
            if (select count(*) from %1$I.api_keys k
                where k.user_id = v_user_id and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())) >= 1000 then
                raise exception 'This account has 1,000 live keys. Revoke one first.';
            end if;
            for attempt in 1..5 loop
                v_key := 'pyr_live_' || encode(%2$I.gen_random_bytes(24), 'hex');
                insert into %1$I.api_keys as k (user_id, key_hash, key_digest, key_prefix, name)
                values (v_user_id, %2$I.crypt(v_key, %2$I.gen_salt('bf')), sha256(convert_to(v_key, 'UTF8')), left(v_key, 20), v_name)
                on conflict on constraint unique_key_prefix do nothing;
                if found then
                    return query select v_key, left(v_key, 20);
                    return;
                end if;
            end loop;
            raise exception 'No free prefix was found. Try again.';
        end $fn$;

        create or replace function %1$I.validate_api_key(p_api_key text)
        returns table (user_id uuid, email text, plan text, stripe_customer_id text)
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        declare
            found_key record;
        begin
            select k.id, k.user_id, k.key_hash, k.key_digest, p.email, p.stripe_customer_id,
                   case when p.plan_until <= now()
                             and (p.plan <> 'enterprise' or p.plan_by_contract
                                  or (p.plan_override = p.plan and p.plan_override_until = p.plan_until))
                        then p.plan_then else p.plan end as plan
            into found_key
            from %1$I.api_keys k
            join %1$I.profiles p on p.id = k.user_id
            where k.key_prefix = left(p_api_key, 20) and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
              and p.deleted_at is null;
            if not found then
                return;
            end if;
            if found_key.key_digest is null then
                -- A hash that takes seconds to compare would hold the connection that long.
                if found_key.key_hash !~ '^\$2[aby]\$(0[4-9]|1[0-2])\$'
                   or %2$I.crypt(p_api_key, found_key.key_hash) <> found_key.key_hash then
                    return;
                end if;
            elsif found_key.key_digest <> sha256(convert_to(p_api_key, 'UTF8')) then
                return;
            end if;
            update %1$I.api_keys k set last_used_at = now() where k.id = found_key.id;
            return query select found_key.user_id, found_key.email, found_key.plan, found_key.stripe_customer_id;
        end $fn$;

        -- As its caller: row level security shows a signed-in user only what is theirs.
        create or replace function %1$I.get_current_usage(p_user_id uuid)
        returns table (migrations bigint, tier1_migrations bigint, llm_migrations bigint, total_tokens bigint)
        language sql stable security invoker set search_path = %1$I, pg_temp as $fn$
            select m.migrations, m.tier1_migrations, m.llm_migrations, m.total_tokens
            from %1$I.usage_monthly m
            where m.user_id = p_user_id and m.month = to_char(now() at time zone 'UTC', 'YYYY-MM')
        $fn$;

        -- What the document's server inserts: its columns may be null, and its months follow created_at.
        create or replace function %1$I.complete_service_usage() returns trigger
        language plpgsql set search_path = %1$I, pg_temp as $fn$
        begin
            if new.event_type !~ '^[a-z][a-z0-9_]{0,63}$' or length(new.library) > 128 then
                raise check_violation using message = 'The event_type or the library of the event is not one.';
            end if;
            new.files_changed := greatest(coalesce(new.files_changed, 0), 0);
            new.tokens_used := greatest(coalesce(new.tokens_used, 0), 0);
            new.metadata := coalesce(new.metadata, '{}');
            new.created_at := coalesce(new.created_at, now());
            new.occurred_at := new.created_at;
            new.month := to_char(new.created_at at time zone 'UTC', 'YYYY-MM');
            new.reservation_id := null;
            new.key_id := null;
            return new;
        end $fn$;

        create or replace function %1$I.add_service_usage() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            insert into %1$I.usage_monthly as m
                (user_id, month, migrations, tier1_migrations, llm_migrations, total_tokens, total_files_changed)
            select a.user_id, a.month,
                   coalesce(sum(a.quantity) filter (where a.event_type = 'migration'), 0),
                   coalesce(sum(a.quantity) filter (where a.event_type = 'migration' and a.tier = 'tier1'), 0),
                   coalesce(sum(a.quantity) filter (where a.event_type = 'migration' and a.tier in ('tier2', 'tier3')), 0),
                   sum(a.tokens_used), sum(a.files_changed)
            from added a
            group by a.user_id, a.month
            order by a.user_id, a.month
            on conflict (user_id, month) do update set
                migrations = m.migrations + excluded.migrations,
                tier1_migrations = m.tier1_migrations + excluded.tier1_migrations,
                llm_migrations = m.llm_migrations + excluded.llm_migrations,
                total_tokens = m.total_tokens + excluded.total_tokens,
                total_files_changed = m.total_files_changed + excluded.total_files_changed;
            insert into %1$I.usage_daily as d (user_id, month, date, migrations, tokens)
            select a.user_id, a.month, to_char(a.occurred_at at time zone 'UTC', 'YYYY-MM-DD'),
                   coalesce(sum(a.quantity) filter (where a.event_type = 'migration'), 0), sum(a.tokens_used)
            from added a
            where a.event_type = 'migration' or a.tokens_used > 0
            group by 1, 2, 3
            order by 1, 2, 3
            on conflict (user_id, month, date) do update set
                migrations = d.migrations + excluded.migrations, tokens = d.tokens + excluded.tokens;
            insert into %1$I.usage_libraries as l (user_id, month, library, migrations)
            select a.user_id, a.month, coalesce(a.library, ''), sum(a.quantity)
            from added a
            where a.event_type = 'migration'
            group by 1, 2, 3
            order by 1, 2, 3
            on conflict (user_id, month, library) do update set migrations = l.migrations + excluded.migrations;
            return null;
        end $fn$;

        -- Only what comes through the interface of Supabase: the server moves its sums itself.
        drop trigger if exists usage_events_of_service_completed on %1$I.usage_events;
        create trigger usage_events_of_service_completed before insert on %1$I.usage_events for each row
        when (current_user = 'service_role') execute function %1$I.complete_service_usage();
        drop trigger if exists usage_events_of_service_added on %1$I.usage_events;
        create trigger usage_events_of_service_added after insert on %1$I.usage_events referencing new table as added for each statement
        when (current_user = 'service_role') execute function %1$I.add_service_usage();
        revoke execute on function %1$I.auth_email_verified_at(timestamptz, timestamptz, timestamptz), %1$I.handle_new_user(),
            %1$I.handle_changed_user(), %1$I.create_api_key(text), %1$I.validate_api_key(text), %1$I.get_current_usage(uuid),
            %1$I.complete_service_usage(), %1$I.add_service_usage()
        from public, anon, authenticated, service_role;
        grant execute on function %1$I.create_api_key(text) to authenticated;
        grant execute on function %1$I.validate_api_key(text) to service_role;
        grant execute on function %1$I.get_current_usage(uuid) to authenticated, service_role;

        grant select on %1$I.profiles, %1$I.api_keys, %1$I.usage_events, %1$I.usage_monthly, %1$I.monthly_usage to service_role;
        revoke insert, update, delete, truncate, references, trigger
            on %1$I.profiles, %1$I.api_keys, %1$I.usage_events, %1$I.usage_monthly, %1$I.monthly_usage from service_role;
        grant update (name, plan, stripe_customer_id, updated_at) on %1$I.profiles to service_role;
        grant update (name, revoked_at, last_used_at) on %1$I.api_keys to service_role;
        grant insert (user_id, id, event_type, library, tier, files_changed, tokens_used, metadata, created_at)
            on %1$I.usage_events to service_role;

        drop policy if exists "Users can view own profile" on %1$I.profiles;
        create policy "Users can view own profile" on %1$I.profiles for select to authenticated
            using ((select auth.uid()) = id and deleted_at is null);
        drop policy if exists "Users can update own profile" on %1$I.profiles;
        create policy "Users can update own profile" on %1$I.profiles for update to authenticated
            using ((select auth.uid()) = id and deleted_at is null) with check ((select auth.uid()) = id);
        drop policy if exists "Users can view own API keys" on %1$I.api_keys;
        create policy "Users can view own API keys" on %1$I.api_keys for select to authenticated using ((select auth.uid()) = user_id);
        drop policy if exists "Users can update own API keys" on %1$I.api_keys;
        create policy "Users can update own API keys" on %1$I.api_keys for update to authenticated
            using ((select auth.uid()) = user_id) with check ((select auth.uid()) = user_id);
        drop policy if exists "Users can insert own API keys" on %1$I.api_keys;
        drop policy if exists "Users can view own usage" on %1$I.usage_events;
        create policy "Users can view own usage" on %1$I.usage_events for select to authenticated using ((select auth.uid()) = user_id);
        drop policy if exists "Users can view own months" on %1$I.usage_monthly;
        create policy "Users can view own months" on %1$I.usage_monthly for select to authenticated using ((select auth.uid()) = user_id);
    $ddl$, here, crypto);

    insert into profiles (id, email, name, email_verified_at)
    select u.id, lower(u.email),
           left(regexp_replace(coalesce(u.raw_user_meta_data->>'name', split_part(u.email, '@', 1)), '[[:cntrl:]]', '', 'g'), 200),
           auth_email_verified_at(u.email_confirmed_at, u.confirmation_sent_at, u.invited_at)
    from auth.users u
    where u.email is not null
    on conflict (id) do nothing;
    execute format('comment on function %I.handle_new_user() is %L', here, 'PyResolve {VERSION}');
end $mode$;
