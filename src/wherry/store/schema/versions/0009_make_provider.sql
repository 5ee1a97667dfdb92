-- A client makes a provider that has nothing yet, in one call.
--
-- No row: it is more than that (its uuid or name is taken, its parent is not there, its host
-- reports), nothing was written, and the caller looks closer.  One that comes back goes on above
-- the generation that it had inside.  Locks as every writer does: the host, then providers.
CREATE FUNCTION wherry_make_provider_0009(
    p_uuid text, p_name text, p_parent text, p_at double precision
) RETURNS TABLE (id bigint, generation bigint, root text) LANGUAGE plpgsql ROWS 1
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $make$
#variable_conflict use_column
DECLARE
    v_id bigint; v_above bigint; v_root bigint; v_generation bigint;
    v_root_uuid text := p_uuid; v_host text := p_name; v_now text;
BEGIN
    IF p_parent IS NOT NULL THEN
        SELECT top.name INTO v_host FROM provider p JOIN provider top ON top.id = p.root
            WHERE p.uuid = p_parent;
        IF NOT FOUND THEN
            RETURN;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(v_host, 0));
    IF p_parent IS NOT NULL THEN
        SELECT p.id, p.root INTO v_above, v_root FROM provider p WHERE p.uuid = p_parent
            FOR NO KEY UPDATE;
        SELECT top.uuid, top.name INTO v_root_uuid, v_now FROM provider top
            WHERE top.id = v_root;
        -- It was moved to another host's tree while its lock was waited for.
        IF v_now IS DISTINCT FROM v_host THEN
            RETURN;
        END IF;
    END IF;
    IF EXISTS (SELECT FROM host h WHERE h.name = v_host) THEN
        RETURN;
    END IF;
    v_id := nextval('provider_id_seq');
    SELECT g.generation INTO v_generation FROM gone g
        WHERE g.kind = 'provider' AND g.key = p_uuid;
    v_generation := coalesce(v_generation, 0);
    INSERT INTO provider (id, uuid, name, host, parent, root, owner, generation,
                          facts_generation, silent, gone, changed_at)
        VALUES (v_id, p_uuid, p_name, NULL, v_above, coalesce(v_root, v_id), 'client',
                v_generation, v_generation, v_generation, false, p_at)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    INSERT INTO change (xid, kind, ref, generation)
        VALUES (pg_current_xact_id(), 'provider', p_uuid, v_generation);
    RETURN QUERY SELECT v_id, v_generation, v_root_uuid;
END
$make$;
