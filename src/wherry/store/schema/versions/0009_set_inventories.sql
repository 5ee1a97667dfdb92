-- A client says what a provider of its own has, in one call.
--
-- No row: it is more than that (another generation, a class that has no number yet, what is to go
-- is held, a host's report has a say), nothing was written, and the caller looks closer.  Gives
-- what is there afterwards, and the generation that clients count.  Locks as every writer does:
-- the host, then the provider.
CREATE FUNCTION wherry_set_inventories_0009(
    p_uuid text, p_generation bigint, p_at double precision, p_class text[], p_total bigint[],
    p_reserved bigint[], p_min_unit bigint[], p_max_unit bigint[], p_step_size bigint[],
    p_ratio double precision[], p_cap bigint[]
) RETURNS TABLE (seen bigint, class text, used bigint, charged bigint, stray bigint)
LANGUAGE plpgsql ROWS 4
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $set$
#variable_conflict use_column
DECLARE
    v_id bigint; v_seen bigint; v_generation bigint; v_host text; v_class int[];
BEGIN
    SELECT top.name INTO v_host FROM provider p JOIN provider top ON top.id = p.root
        WHERE p.uuid = p_uuid;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_host, 0));
    SELECT p.id, p.generation - p.silent INTO v_id, v_seen FROM provider p
        WHERE p.uuid = p_uuid AND p.owner = 'client' AND p.host IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND OR v_seen <> p_generation THEN
        RETURN;
    END IF;
    SELECT array_agg((SELECT c.id FROM resource_class c WHERE c.name = w.name) ORDER BY w.place)
        INTO v_class FROM unnest(p_class) WITH ORDINALITY AS w(name, place);
    IF array_position(v_class, NULL) IS NOT NULL OR EXISTS (
        SELECT FROM inventory v WHERE v.provider = v_id
            AND (v.cap IS NULL OR v.used > 0 AND v.class <> ALL (v_class)))
    THEN
        RETURN;
    END IF;
    DELETE FROM inventory v WHERE v.provider = v_id AND v.class <> ALL (v_class);
    INSERT INTO inventory (provider, class, total, reserved, min_unit, max_unit, step_size,
                           allocation_ratio, cap, used, charged, stray, changed_at)
        SELECT v_id, w.*, 0, 0, 0, p_at
        FROM unnest(v_class, p_total, p_reserved, p_min_unit, p_max_unit, p_step_size, p_ratio,
                    p_cap) AS w
        ON CONFLICT (provider, class) DO UPDATE SET
            total = excluded.total, reserved = excluded.reserved,
            min_unit = excluded.min_unit, max_unit = excluded.max_unit,
            step_size = excluded.step_size, allocation_ratio = excluded.allocation_ratio,
            cap = excluded.cap, changed_at = excluded.changed_at;
    UPDATE provider p SET generation = p.generation + 1,
            facts_generation = p.facts_generation + 1, changed_at = p_at
        WHERE p.id = v_id RETURNING p.generation, p.generation - p.silent
        INTO v_generation, v_seen;
    INSERT INTO change (xid, kind, ref, generation)
        VALUES (pg_current_xact_id(), 'provider', p_uuid, v_generation);
    RETURN QUERY SELECT v_seen, c.name, v.used, v.charged, v.stray
        FROM inventory v JOIN resource_class c ON c.id = v.class
        WHERE v.provider = v_id ORDER BY v.class;
END
$set$;
