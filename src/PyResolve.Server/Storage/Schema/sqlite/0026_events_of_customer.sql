-- An operator searches the events of a customer, the latest first.
-- compatible_from: 1

create index stripe_events_of_customer on stripe_events (origin, customer_id, received_at, event_id);
