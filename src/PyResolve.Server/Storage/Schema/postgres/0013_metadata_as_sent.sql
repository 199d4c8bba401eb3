-- The metadata of an event as it was sent: jsonb sorts members and writes numbers anew, 1e308 with 309 digits.
-- compatible_from: 1

-- Rewrites the table, about ten seconds for each million events, and usage waits meanwhile. Older servers go on writing jsonb, which is
-- converted. A view of an operator's own that reads the column keeps it as it is; drop the view and run the statement to change it later.
do $$
begin
    alter table usage_events
        alter column metadata drop default,
        alter column metadata type json using cast(cast(metadata as text) as json),
        alter column metadata set default '{}';
exception when feature_not_supported or undefined_object or undefined_function or datatype_mismatch then
    raise notice 'usage_events.metadata stays jsonb: %', sqlerrm;
end $$;
