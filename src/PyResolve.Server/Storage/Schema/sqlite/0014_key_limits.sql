-- What bounds keys, the scopes of device logins, and returns from Stripe. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table api_keys add column limited_by text;
alter table api_keys add column shared_requests_per_minute integer;
alter table api_keys add column idempotency_key text;
create unique index api_keys_idempotency on api_keys (user_id, idempotency_key) where idempotency_key is not null;
create index api_keys_live on api_keys (user_id, created_at, id) where revoked_at is null;

alter table device_codes add column scopes text;

alter table billing_customers add column returned_at integer;
