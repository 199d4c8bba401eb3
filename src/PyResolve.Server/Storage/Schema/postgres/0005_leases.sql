-- Leases, holds that expire where nobody asks, and the memory of requests that a once_key answered.
-- compatible_from: 1

-- A leased hold holds its units until it ends, even when it was returned: its state stays held, and settled_as says what it becomes then.
-- lapsed is what was neither reported nor returned by then. It counts as used, without an event, until it is settled.
alter table reservations add column leased boolean not null default false;
alter table reservations add column settled_as text check (settled_as in ('committed', 'released'));
alter table reservations add column lapsed integer not null default 0 check (lapsed >= 0);
alter table usage_monthly add column lapsed bigint not null default 0 check (lapsed >= 0);

-- What the sweeper looks for, in every account.
create index reservations_expiry on reservations (expires_at) where state = 'held';

-- Requests with an Idempotency-Key whose answer was a hold that another request had made.
create table repeated_holds (
    user_id         uuid not null,
    idempotency_key text not null,
    request_digest  bytea not null,
    reservation_id  uuid not null,
    created_at      timestamptz not null,
    primary key (user_id, idempotency_key)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table repeated_holds enable row level security;
    end if;
end $$;
