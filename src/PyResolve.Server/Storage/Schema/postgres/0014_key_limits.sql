-- What bounds keys: a key made or rotated by a limited one shares its limit; one key for each Idempotency-Key; live keys are counted
-- without reading the revoked ones. The scopes that a device login asks for, and when a person last came back from Stripe.
-- compatible_from: 1

alter table api_keys add column limited_by uuid;
alter table api_keys add column shared_requests_per_minute integer;
alter table api_keys add column idempotency_key text;
create unique index api_keys_idempotency on api_keys (user_id, idempotency_key) where idempotency_key is not null;
create index api_keys_live on api_keys (user_id, created_at, id) where revoked_at is null;

-- null: begun by a server that did not know scopes yet.
alter table device_codes add column scopes text;

alter table billing_customers add column returned_at timestamptz;
