-- A client says which traits a provider of its own has, in one call.
--
-- No row: it is more than that (another generation, a trait that has no number yet, a host's
-- report derives some), nothing was written, and the caller looks closer.  Gives the generation
-- that clients count, which stays if nothing differs, and when each trait was made.
CREATE FUNCTION wherry_set_traits_0009(
    p_uuid text, p_generation bigint, p_at double precision, p_trait text[]
) RETURNS TABLE (seen bigint, made_at double precision[]) LANGUAGE plpgsql ROWS 1
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $set$
#variable_conflict use_column
DECLARE
    v_id bigint; v_seen bigint; v_generation bigint; v_gone bigint; v_come bigint;
    v_trait int[]; v_made double precision[];
BEGIN
    SELECT p.id, p.generation - p.silent INTO v_id, v_seen FROM provider p
        WHERE p.uuid = p_uuid AND p.owner = 'client' FOR NO KEY UPDATE;
    IF NOT FOUND OR v_seen <> p_generation
        OR EXISTS (SELECT FROM derived_trait d WHERE d.provider = v_id)
    THEN
        RETURN;
    END IF;
    SELECT coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.created_at), '{}')
        INTO v_trait, v_made
        FROM (SELECT t.id, t.created_at FROM unnest(p_trait) WITH ORDINALITY AS w(name, place)
              LEFT JOIN trait t ON t.name = w.name ORDER BY w.place) t;
    IF array_position(v_trait, NULL) IS NOT NULL THEN
        RETURN;
    END IF;
    DELETE FROM provider_trait o WHERE o.provider = v_id AND o.trait <> ALL (v_trait);
    GET DIAGNOSTICS v_gone = ROW_COUNT;
    INSERT INTO provider_trait (provider, trait) SELECT v_id, unnest(v_trait)
        ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_come = ROW_COUNT;
    IF v_gone + v_come > 0 THEN
        UPDATE provider p SET generation = p.generation + 1,
                facts_generation = p.facts_generation + 1, changed_at = p_at
            WHERE p.id = v_id RETURNING p.generation, p.generation - p.silent
            INTO v_generation, v_seen;
        INSERT INTO change (xid, kind, ref, generation)
            VALUES (pg_current_xact_id(), 'provider', p_uuid, v_generation);
    END IF;
    RETURN QUERY SELECT v_seen, v_made;
END
$set$;
