-- Leases, holds that expire where nobody asks, and the memory of requests that a once_key answered. Why each is as it is: the PostgreSQL
-- file of the same name.
-- compatible_from: 1

alter table reservations add column leased integer not null default 0;
alter table reservations add column settled_as text check (settled_as in ('committed', 'released'));
alter table reservations add column lapsed integer not null default 0 check (lapsed >= 0);
alter table usage_monthly add column lapsed integer not null default 0 check (lapsed >= 0);

create index reservations_expiry on reservations (expires_at) where state = 'held';

create table repeated_holds (
    user_id         text not null,
    idempotency_key text not null,
    request_digest  blob not null,
    reservation_id  text not null,
    created_at      integer not null,
    primary key (user_id, idempotency_key)
) strict, without rowid;
