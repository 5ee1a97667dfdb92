-- What claims changed since a snapshot, in one call and as of one snapshot.
--
-- The function is STABLE: all its statements see what the statement sees that calls it.  Gives
-- the snapshot to go on with; the kinds of all that changed, null where rows of the feed were
-- dropped that the caller has not seen; and, where nothing but use changed of providers, what
-- these have and what is held of it.
CREATE FUNCTION wherry_use_since_0009(p_cursor text)
RETURNS TABLE (now text, kinds text[], stock json) LANGUAGE plpgsql STABLE ROWS 1
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $since$
#variable_conflict use_column
DECLARE
    v_since pg_snapshot := p_cursor::pg_snapshot;
    v_first xid8 := pg_snapshot_xmin(v_since);
    v_kinds text[]; v_used text[]; v_stock json;
BEGIN
    IF (SELECT m.value::numeric FROM meta m WHERE m.key = 'feed_floor') >= v_first::text::numeric
    THEN
        RETURN QUERY SELECT pg_current_snapshot()::text, NULL::text[], NULL::json;
        RETURN;
    END IF;
    SELECT coalesce(array_agg(DISTINCT c.kind), '{}'),
           array_agg(DISTINCT c.ref) FILTER (WHERE c.kind = 'use')
        INTO v_kinds, v_used FROM change c
        WHERE c.xid >= v_first AND NOT pg_visible_in_snapshot(c.xid, v_since);
    IF v_used IS NOT NULL AND NOT v_kinds && '{provider,name}' THEN
        SELECT json_agg(json_build_array(
                   p.uuid, c.name, v.total, v.reserved, v.min_unit, v.max_unit, v.step_size,
                   v.allocation_ratio, v.cap, v.used, v.charged, v.stray))
            INTO v_stock
            FROM provider p JOIN inventory v ON v.provider = p.id
                 JOIN resource_class c ON c.id = v.class
            WHERE p.uuid = ANY (v_used);
    END IF;
    RETURN QUERY SELECT pg_current_snapshot()::text, v_kinds, v_stock;
END
$since$;
