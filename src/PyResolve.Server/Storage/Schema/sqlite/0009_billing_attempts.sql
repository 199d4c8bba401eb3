-- How often Stripe refused to make an account's customer. Why it counts: the PostgreSQL file of the same name.
-- compatible_from: 1

create table billing_customer_attempts (
    origin   text not null,
    user_id  text not null,
    failures integer not null,
    primary key (origin, user_id)
) strict, without rowid;
