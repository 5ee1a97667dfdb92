-- A client says to which aggregates a provider belongs, in one call; its generation moves on.
--
-- Null: it is more than that (no such provider, another generation), nothing was written, and
-- the caller looks closer.  Gives the generation that clients count.
CREATE FUNCTION wherry_set_aggregates_0009(
    p_uuid text, p_generation bigint, p_at double precision, p_aggregate text[]
) RETURNS bigint LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $set$
#variable_conflict use_column
DECLARE
    v_id bigint; v_seen bigint; v_generation bigint;
BEGIN
    SELECT p.id, p.generation - p.silent INTO v_id, v_seen FROM provider p
        WHERE p.uuid = p_uuid FOR NO KEY UPDATE;
    IF NOT FOUND OR v_seen <> p_generation THEN
        RETURN NULL;
    END IF;
    DELETE FROM provider_aggregate a
        WHERE a.provider = v_id AND a.aggregate <> ALL (p_aggregate);
    INSERT INTO provider_aggregate (provider, aggregate) SELECT v_id, unnest(p_aggregate)
        ON CONFLICT DO NOTHING;
    UPDATE provider p SET generation = p.generation + 1,
            facts_generation = p.facts_generation + 1, changed_at = p_at
        WHERE p.id = v_id RETURNING p.generation, p.generation - p.silent
        INTO v_generation, v_seen;
    INSERT INTO change (xid, kind, ref, generation)
        VALUES (pg_current_xact_id(), 'provider', p_uuid, v_generation);
    RETURN v_seen;
END
$set$;
