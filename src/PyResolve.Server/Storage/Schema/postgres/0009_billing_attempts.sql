-- How often Stripe refused to make an account's customer: under the idempotency key of a refusal it repeats it for a day, so the next
-- request has another. A checkout counts in billing_checkouts.attempt.
-- compatible_from: 1

create table billing_customer_attempts (
    origin   text not null,
    user_id  uuid not null,
    failures bigint not null,
    primary key (origin, user_id)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table billing_customer_attempts enable row level security;
    end if;
end $$;
