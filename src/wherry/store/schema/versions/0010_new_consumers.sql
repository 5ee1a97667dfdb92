-- Several claims in one call and one transaction, each for itself; one answer for each, in
-- their order.
--
-- Every row is found by its key, and plans are made once: to plan a statement takes longer than
-- to run it, and one that was planned for a small table would go on reading it whole.
--
-- p_claims holds an object for each, of wherry_claim_0003's arguments; p_consumers and p_names
-- all the consumers and providers in them.  Where there are several claims, all that they will
-- lock is locked first, in the order in which every writer does it: consumers, those last that
-- are yet to be made, then providers.  Who is yet to be made has no row to lock, and is locked
-- by name; else a claim that has made its consumer and a call that has locked the provider
-- would wait for each other.
CREATE FUNCTION wherry_claims_0010(p_claims json, p_consumers text[], p_names text[])
RETURNS SETOF text LANGUAGE plpgsql ROWS 10
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $claims$
DECLARE
    r record; v_ids bigint[]; v_held bigint[];
BEGIN
    IF json_array_length(p_claims) > 1 THEN
        SELECT array_agg(l.id) INTO v_ids FROM (
            SELECT c.id FROM consumer c WHERE c.uuid = ANY (p_consumers)
            ORDER BY c.uuid FOR UPDATE) l;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended(n.uuid, 1)) FROM (
        SELECT DISTINCT u.uuid FROM unnest(p_consumers) AS u(uuid)
        WHERE NOT EXISTS (SELECT FROM consumer c WHERE c.uuid = u.uuid)
        ORDER BY u.uuid) n;
    IF json_array_length(p_claims) > 1 THEN
        IF v_ids IS NOT NULL THEN
            SELECT array_agg(h.provider) INTO v_held FROM (
                SELECT a.provider FROM allocation a WHERE a.consumer = ANY (v_ids)
                UNION
                SELECT o.provider FROM occupant o WHERE o.consumer = ANY (v_ids)) h;
        END IF;
        PERFORM FROM provider p WHERE p.uuid = ANY (p_names) OR p.id = ANY (v_held)
            ORDER BY p.uuid FOR NO KEY UPDATE;
    END IF;
    FOR r IN SELECT * FROM json_to_recordset(p_claims) AS c(
        p_id text, p_digest text, p_at double precision, p_plain boolean, p_names text[],
        h_uuid text[], h_type text[], h_project text[], h_user text[], h_expected bigint[],
        a_holding int[], a_provider text[], a_class text[], a_units bigint[],
        o_holding int[], o_provider text[], o_slot text[], o_type text[], o_exclusive text[],
        o_device text[], f_provider text[], f_expected bigint[], n_provider text[])
    LOOP
        RETURN NEXT wherry_claim_0003(
            r.p_id, r.p_digest, r.p_at, r.p_plain, r.p_names,
            r.h_uuid, r.h_type, r.h_project, r.h_user, r.h_expected,
            r.a_holding, r.a_provider, r.a_class, r.a_units,
            r.o_holding, r.o_provider, r.o_slot, r.o_type, r.o_exclusive, r.o_device,
            r.f_provider, r.f_expected, r.n_provider);
    END LOOP;
END
$claims$;
