-- Hosts that were never there, with all that their first reports make, in one call.
--
-- Says of each host whether it is new: anything of it that is or was there, or somebody who is at
-- it now, makes it another matter.  Unless all are new, nothing is written.  Providers, classes
-- and traits are named by their place in p_uuid, p_class and p_trait, from 1; rows are columns.
CREATE FUNCTION wherry_add_hosts_0013(
    p_class text[], p_trait text[],
    h_name text[], h_root text[], h_boot_id text[], h_sequence bigint[], h_observed_at text[],
    h_last_seen double precision[], h_digest text[], h_report text[], h_check_facts text[],
    h_findings text[],
    p_uuid text[], p_name text[], p_host text[], p_parent bigint[], p_root bigint[],
    p_changed_at double precision[], p_plan text[],
    i_provider bigint[], i_class bigint[], i_total bigint[], i_reserved bigint[],
    i_min_unit bigint[], i_max_unit bigint[], i_step_size bigint[],
    i_allocation_ratio double precision[], i_cap bigint[], i_stray bigint[],
    v_provider bigint[], v_class bigint[], v_pool bigint[], v_units bigint[],
    t_provider bigint[], t_trait bigint[],
    d_provider bigint[], d_device text[], d_rank bigint[],
    s_provider bigint[], s_device text[], s_type text[], s_units text[], s_exclusive text[],
    s_place text[],
    l_provider bigint[], l_type text[], l_places text[]
) RETURNS boolean[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $add$
#variable_conflict use_column
DECLARE
    n_new boolean[]; n_id bigint[]; n_class int[]; n_trait int[];
BEGIN
    -- Whoever has a host's lock may be waiting for what else is in this transaction.
    SELECT array_agg(pg_try_advisory_xact_lock(hashtextextended(w.name, 0)) ORDER BY w.place)
        INTO n_new FROM unnest(h_name) WITH ORDINALITY AS w(name, place);
    -- Another statement sees what was committed before the locks were had.
    SELECT array_agg(n_new[w.place]
            AND NOT EXISTS (SELECT FROM host h WHERE h.name = w.name)
            AND NOT EXISTS (SELECT FROM gone g WHERE g.kind = 'host' AND g.key = w.name)
            AND NOT EXISTS (SELECT FROM provider p WHERE p.host = w.name)
            AND NOT EXISTS (SELECT FROM provider p WHERE p.name = w.name)
            AND w.name <> ALL (ARRAY(
                SELECT u.host FROM unnest(p_uuid, p_host) AS u(uuid, host)
                WHERE EXISTS (SELECT FROM gone g WHERE g.kind = 'provider' AND g.key = u.uuid)))
            ORDER BY w.place)
        INTO n_new FROM unnest(h_name) WITH ORDINALITY AS w(name, place);
    IF false = ANY (n_new) THEN
        RETURN n_new;
    END IF;
    LOOP
        -- Nobody gives them another name, or deletes them, until this is written.
        n_class := ARRAY(
            SELECT (SELECT c.id FROM resource_class c WHERE c.name = w.name FOR KEY SHARE)
            FROM unnest(p_class) WITH ORDINALITY AS w(name, place) ORDER BY w.place);
        n_trait := ARRAY(
            SELECT (SELECT t.id FROM trait t WHERE t.name = w.name FOR KEY SHARE)
            FROM unnest(p_trait) WITH ORDINALITY AS w(name, place) ORDER BY w.place);
        EXIT WHEN array_position(n_class, NULL) IS NULL AND array_position(n_trait, NULL) IS NULL;
        -- In order, so that two that make the same names cannot wait for each other.
        INSERT INTO resource_class (name) SELECT w.name FROM unnest(p_class) AS w(name)
            WHERE NOT EXISTS (SELECT FROM resource_class c WHERE c.name = w.name)
            ORDER BY w.name COLLATE "C" ON CONFLICT (name) DO NOTHING;
        INSERT INTO trait (name) SELECT w.name FROM unnest(p_trait) AS w(name)
            WHERE NOT EXISTS (SELECT FROM trait t WHERE t.name = w.name)
            ORDER BY w.name COLLATE "C" ON CONFLICT (name) DO NOTHING;
    END LOOP;
    n_id := ARRAY(SELECT nextval(pg_get_serial_sequence('provider', 'id'))
        FROM generate_subscripts(p_uuid, 1));
    INSERT INTO host (name, root, state, labels, boot_id, sequence, observed_at, last_seen, digest,
                      generation)
        SELECT w.name, w.root, 'enabled', '{}', w.boot_id, w.sequence, w.observed_at, w.last_seen,
            w.digest, 1
        FROM unnest(h_name, h_root, h_boot_id, h_sequence, h_observed_at, h_last_seen, h_digest)
            AS w(name, root, boot_id, sequence, observed_at, last_seen, digest);
    INSERT INTO host_report (host, report, check_facts, findings)
        SELECT * FROM unnest(h_name, h_report, h_check_facts, h_findings);
    INSERT INTO provider (id, uuid, name, host, parent, root, owner, generation, facts_generation,
                          gone, changed_at)
        SELECT n_id[w.place], w.uuid, w.name, w.host, n_id[w.parent], n_id[w.root], 'report', 1, 1,
            false, w.changed_at
        FROM unnest(p_uuid, p_name, p_host, p_parent, p_root, p_changed_at) WITH ORDINALITY
            AS w(uuid, name, host, parent, root, changed_at, place);
    INSERT INTO provider_plan (provider, plan)
        SELECT n_id[w.place], w.plan FROM unnest(p_plan) WITH ORDINALITY AS w(plan, place);
    INSERT INTO inventory (provider, class, total, reserved, min_unit, max_unit, step_size,
                           allocation_ratio, cap, used, charged, stray)
        SELECT n_id[w.provider], n_class[w.class], w.total, w.reserved, w.min_unit, w.max_unit,
            w.step_size, w.allocation_ratio, w.cap, 0, 0, w.stray
        FROM unnest(i_provider, i_class, i_total, i_reserved, i_min_unit, i_max_unit, i_step_size,
                    i_allocation_ratio, i_cap, i_stray)
            AS w(provider, class, total, reserved, min_unit, max_unit, step_size, allocation_ratio,
                 cap, stray);
    INSERT INTO view (provider, class, pool, units)
        SELECT n_id[w.provider], n_class[w.class], n_class[w.pool], w.units
        FROM unnest(v_provider, v_class, v_pool, v_units) AS w(provider, class, pool, units);
    INSERT INTO provider_trait (provider, trait)
        SELECT n_id[w.provider], n_trait[w.trait]
        FROM unnest(t_provider, t_trait) AS w(provider, trait);
    IF cardinality(d_provider) > 0 THEN
        INSERT INTO provider_device (provider, device, rank)
            SELECT n_id[w.provider], w.device, w.rank
            FROM unnest(d_provider, d_device, d_rank) AS w(provider, device, rank);
    END IF;
    IF cardinality(s_provider) > 0 THEN
        INSERT INTO seen_instance (provider, device, type, units, exclusive, stray, place)
            SELECT n_id[w.provider], w.device, w.type, w.units, w.exclusive, true, w.place
            FROM unnest(s_provider, s_device, s_type, s_units, s_exclusive, s_place)
                AS w(provider, device, type, units, exclusive, place);
    END IF;
    IF cardinality(l_provider) > 0 THEN
        INSERT INTO placement (provider, type, places)
            SELECT n_id[w.provider], w.type, w.places
            FROM unnest(l_provider, l_type, l_places) AS w(provider, type, places);
    END IF;
    INSERT INTO change (xid, kind, ref, generation)
        SELECT pg_current_xact_id(), w.kind, w.ref, 1
        FROM (SELECT 'provider', unnest(p_uuid) UNION ALL SELECT 'host', unnest(h_name))
            AS w(kind, ref);
    RETURN n_new;
END
$add$;
