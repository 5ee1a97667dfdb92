-- One claim in one call: every holding becomes as said, or nothing changes.
--
-- The twin of wherry/store/claims_sqlite.py, step by step; tests run both on the same claims.
-- Rows are locked in one order: consumers by uuid, then providers by uuid.  All that hangs on a
-- provider (inventories, occupants, seen instances) changes only under its provider's lock, in
-- reports too, so two claims cannot wait for each other.  Arrays of one prefix run in parallel:
--   h_  holdings, sorted by consumer; h_expected: -1 any, -2 must not exist, else the generation
--   a_  allocations: index of the holding, provider, class, units
--   o_  occupants: index of the holding, provider, slot, type, exclusive (JSON), device
--   f_  providers that the decision looked at, with their facts generation
--   n_  providers that a client of Placement named: its clients count a move of these and of no
--       others, changed or not; null: of whichever change
-- Gives {consumers, providers, devices}, or {first, digest} of an earlier claim of this id, or
-- {error, ...}; a refusal undoes all that was written by leaving the inner block.
CREATE FUNCTION wherry_claim_0003(
    p_id text, p_digest text, p_at double precision,
    h_uuid text[], h_type text[], h_project text[], h_user text[], h_expected bigint[],
    a_holding int[], a_provider text[], a_class text[], a_units bigint[],
    o_holding int[], o_provider text[], o_slot text[], o_type text[], o_exclusive text[],
    o_device text[], f_provider text[], f_expected bigint[], n_provider text[]
) RETURNS jsonb LANGUAGE plpgsql AS $claim$
#variable_conflict use_column
DECLARE
    r record;
    v_id bigint; v_generation bigint; v_device text; v_in_use text[]; v_detail text;
    v_min bigint; v_max bigint; v_step bigint; v_at int;
    v_ids bigint[] := '{}'; v_new boolean[] := '{}'; v_consumers jsonb := '{}';
    v_providers jsonb; v_devices jsonb := '{}'; v_outcome jsonb;
    a_pid bigint[]; a_cid int[]; o_pid bigint[];
    d_consumer bigint[]; d_provider bigint[]; d_class int[]; d_old bigint[]; d_new bigint[];
    e_consumer bigint[]; e_slot text[]; e_was_provider bigint[]; e_was_exclusive text[];
    e_was_device text[]; e_provider bigint[]; e_uuid text[]; e_type text[]; e_exclusive text[];
    e_device text[];
    t_touched bigint[]; l_id bigint[]; l_uuid text[]; l_facts bigint[];
BEGIN
    -- A claim id takes effect once; a second one waits here for the first.
    INSERT INTO claim (id, digest, at, outcome) VALUES (p_id, p_digest, p_at, '')
        ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        SELECT jsonb_build_object('digest', c.digest, 'first', c.outcome) INTO v_outcome
            FROM claim c WHERE c.id = p_id;
        RETURN v_outcome;
    END IF;

    -- Consumers.
    FOR i IN 1 .. cardinality(h_uuid) LOOP
        LOOP
            SELECT c.id, c.generation INTO v_id, v_generation
                FROM consumer c WHERE c.uuid = h_uuid[i] FOR UPDATE;
            EXIT WHEN FOUND;
            v_generation := NULL;
            INSERT INTO consumer (uuid, generation, type, project, user_id, changed_at)
                VALUES (h_uuid[i], 1, h_type[i], h_project[i], h_user[i], p_at)
                ON CONFLICT (uuid) DO NOTHING RETURNING id INTO v_id;
            EXIT WHEN FOUND;
        END LOOP;
        IF h_expected[i] <> -1 AND h_expected[i] <> coalesce(v_generation, -2) THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                'error', 'consumer', 'consumer', h_uuid[i],
                'expected', nullif(h_expected[i], -2), 'found', v_generation);
        END IF;
        v_ids := v_ids || v_id;
        v_new := v_new || (v_generation IS NULL);
    END LOOP;

    -- Names to ids.
    SELECT array_agg(p.id ORDER BY w.i), array_agg(c.id ORDER BY w.i) INTO a_pid, a_cid
        FROM unnest(a_provider, a_class) WITH ORDINALITY AS w(p, c, i)
        LEFT JOIN provider p ON p.uuid = w.p LEFT JOIN resource_class c ON c.name = w.c;
    v_at := array_position(a_pid, NULL);
    IF v_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
            'error', 'provider', 'provider', a_provider[v_at]);
    END IF;
    IF cardinality(o_provider) > 0 THEN
        SELECT array_agg(p.id ORDER BY w.i) INTO o_pid
            FROM unnest(o_provider) WITH ORDINALITY AS w(p, i)
            LEFT JOIN provider p ON p.uuid = w.p;
        v_at := array_position(o_pid, NULL);
        IF v_at IS NOT NULL THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                'error', 'provider', 'provider', o_provider[v_at]);
        END IF;
    END IF;
    v_at := array_position(a_cid, NULL);
    IF v_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
            'error', 'capacity', 'provider', a_provider[v_at], 'class', a_class[v_at],
            'asked', a_units[v_at]);
    END IF;

    -- What differs from what is held: d_ allocations, e_ occupants.
    SELECT coalesce(array_agg(d.consumer), '{}'), coalesce(array_agg(d.provider), '{}'),
           coalesce(array_agg(d.class), '{}'), array_agg(d.old), array_agg(d.new)
        INTO d_consumer, d_provider, d_class, d_old, d_new
        FROM (SELECT consumer, provider, class,
                     coalesce(a.used, 0) AS old, coalesce(w.units, 0) AS new
              FROM (SELECT consumer, provider, class, used FROM allocation
                    WHERE consumer = ANY (v_ids)) a
              FULL JOIN (SELECT v_ids[u.h] AS consumer, u.provider, u.class, u.units
                         FROM unnest(a_holding, a_pid, a_cid, a_units)
                              AS u(h, provider, class, units)) w
              USING (consumer, provider, class)) d
        WHERE d.old <> d.new;
    SELECT coalesce(array_agg(e.consumer ORDER BY e.k), '{}'), array_agg(e.slot ORDER BY e.k),
           array_agg(e.was_provider ORDER BY e.k), array_agg(e.was_exclusive ORDER BY e.k),
           array_agg(e.was_device ORDER BY e.k), array_agg(e.provider ORDER BY e.k),
           array_agg(e.uuid ORDER BY e.k), array_agg(e.type ORDER BY e.k),
           array_agg(e.exclusive ORDER BY e.k), array_agg(e.device ORDER BY e.k)
        INTO e_consumer, e_slot, e_was_provider, e_was_exclusive, e_was_device,
             e_provider, e_uuid, e_type, e_exclusive, e_device
        FROM (SELECT consumer, slot, o.provider AS was_provider, o.exclusive AS was_exclusive,
                     o.device AS was_device, w.provider, w.uuid, w.type, w.exclusive,
                     coalesce(w.device, CASE WHEN o.provider = w.provider THEN o.device END)
                         AS device, w.k
              FROM (SELECT * FROM occupant WHERE consumer = ANY (v_ids)) o
              FULL JOIN (SELECT v_ids[u.h] AS consumer, u.*
                         FROM unnest(o_holding, o_pid, o_provider, o_slot, o_type, o_exclusive,
                                     o_device) WITH ORDINALITY
                              AS u(h, provider, uuid, slot, type, exclusive, device, k)) w
              USING (consumer, slot)
              WHERE (o.provider, o.type, o.exclusive)
                    IS DISTINCT FROM (w.provider, w.type, w.exclusive)
                 OR (w.device IS NOT NULL AND w.device IS DISTINCT FROM o.device)) e;

    -- Providers: those that change, those that are named, those that the decision looked at.
    SELECT coalesce(array_agg(DISTINCT t.id), '{}') INTO t_touched
        FROM unnest(d_provider || e_was_provider || e_provider) AS t(id)
        WHERE t.id IS NOT NULL;
    SELECT coalesce(array_agg(l.id), '{}'), coalesce(array_agg(l.uuid), '{}'),
           array_agg(l.facts_generation) INTO l_id, l_uuid, l_facts
        FROM (SELECT p.id, p.uuid, p.facts_generation FROM provider p
              WHERE p.id = ANY (t_touched) OR p.uuid = ANY (f_provider || n_provider)
              ORDER BY p.uuid FOR NO KEY UPDATE) l;
    FOR i IN 1 .. cardinality(f_provider) LOOP
        v_at := array_position(l_uuid, f_provider[i]);
        IF l_facts[v_at] IS DISTINCT FROM f_expected[i] THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                'error', 'facts', 'provider', f_provider[i],
                'expected', f_expected[i], 'found', l_facts[v_at]);
        END IF;
    END LOOP;
    IF NOT t_touched <@ l_id THEN
        -- Gone between its name was read and its lock was had.
        RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
            'error', 'provider', 'provider',
            (SELECT min(w.u) FROM unnest(a_provider || o_provider) AS w(u)
             WHERE w.u <> ALL (l_uuid)));
    END IF;

    -- Instances seen on the host that turn out to be these.
    IF cardinality(array_remove(e_device, NULL)) > 0 THEN
        FOR r IN
            UPDATE seen_instance s SET stray = false
                FROM unnest(e_provider, e_device) AS e(provider, device)
                WHERE s.provider = e.provider AND s.device = e.device AND s.stray
                RETURNING s.provider, s.units
        LOOP
            UPDATE inventory v SET stray = v.stray - u.value::bigint
                FROM jsonb_each_text(r.units::jsonb) u JOIN resource_class c ON c.name = u.key
                WHERE v.provider = r.provider AND v.class = c.id AND v.cap IS NOT NULL;
        END LOOP;
    END IF;

    -- Units, and in the same statement the pools that a view's units are charged to.
    FOR r IN
        SELECT t.provider, t.class, p.uuid, c.name,
               sum(t.own)::bigint AS own, sum(t.charge)::bigint AS charge
        FROM (SELECT d.provider, d.class, d.new - d.old AS own, d.new - d.old AS charge
              FROM unnest(d_provider, d_class, d_old, d_new) AS d(provider, class, old, new)
              UNION ALL
              SELECT d.provider, v.pool, 0, (d.new - d.old) * v.units
              FROM unnest(d_provider, d_class, d_old, d_new) AS d(provider, class, old, new)
              JOIN view v ON v.provider = d.provider AND v.class = d.class) t
        JOIN provider p ON p.id = t.provider JOIN resource_class c ON c.id = t.class
        GROUP BY t.provider, t.class, p.uuid, c.name
        HAVING sum(t.own) <> 0 OR sum(t.charge) <> 0
        ORDER BY p.uuid, c.name
    LOOP
        UPDATE inventory v
            SET used = v.used + r.own,
                charged = v.charged + CASE WHEN v.cap IS NULL THEN 0 ELSE r.charge END
            WHERE v.provider = r.provider AND v.class = r.class
              AND (r.charge <= 0 OR v.cap IS NULL OR v.charged + v.stray + r.charge <= v.cap)
            RETURNING v.min_unit, v.max_unit, v.step_size INTO v_min, v_max, v_step;
        IF NOT FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                'error', 'capacity', 'provider', r.uuid, 'class', r.name, 'asked', r.charge);
        END IF;
        IF r.own > 0 THEN
            SELECT d.new INTO v_at
                FROM unnest(d_provider, d_class, d_old, d_new) AS d(provider, class, old, new)
                WHERE d.provider = r.provider AND d.class = r.class AND d.new > d.old
                  AND (d.new < v_min OR d.new > v_max OR d.new % v_step <> 0)
                ORDER BY d.new LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                    'error', 'units', 'provider', r.uuid, 'class', r.name, 'asked', v_at,
                    'min_unit', v_min, 'max_unit', v_max, 'step_size', v_step);
            END IF;
        END IF;
    END LOOP;
    DELETE FROM allocation a
        USING unnest(d_consumer, d_provider, d_class, d_new) AS d(consumer, provider, class, new)
        WHERE d.new = 0 AND a.consumer = d.consumer AND a.provider = d.provider
          AND a.class = d.class;
    INSERT INTO allocation AS a (consumer, provider, class, used)
        SELECT d.consumer, d.provider, d.class, d.new
        FROM unnest(d_consumer, d_provider, d_class, d_new) AS d(consumer, provider, class, new)
        WHERE d.new > 0
        ON CONFLICT (consumer, provider, class) DO UPDATE SET used = excluded.used;

    -- Devices: those asked by name first, so that none of them is given to another.
    IF cardinality(e_consumer) > 0 THEN
        DELETE FROM occupant o USING unnest(e_consumer, e_slot) AS e(consumer, slot)
            WHERE o.consumer = e.consumer AND o.slot = e.slot;
        FOR r IN
            SELECT e.* FROM unnest(e_consumer, e_slot, e_provider, e_uuid, e_type, e_exclusive,
                                   e_device) WITH ORDINALITY
                AS e(consumer, slot, provider, uuid, type, exclusive, device, k)
            WHERE e.provider IS NOT NULL ORDER BY e.device IS NULL, e.k
        LOOP
            v_device := r.device;
            IF v_device IS NULL THEN
                SELECT d.device INTO v_device FROM provider_device d
                    WHERE d.provider = r.provider AND NOT EXISTS (
                        SELECT FROM occupant o
                        WHERE o.provider = d.provider AND o.device = d.device)
                    -- One on which somebody unknown has made an instance is the last.
                    ORDER BY EXISTS (
                        SELECT FROM seen_instance s WHERE s.provider = d.provider
                            AND s.device = d.device AND s.stray), d.rank LIMIT 1;
                IF NOT FOUND AND EXISTS (
                    SELECT FROM provider_device d WHERE d.provider = r.provider)
                THEN
                    RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                        'error', 'device', 'provider', r.uuid, 'device', NULL);
                END IF;
            ELSIF EXISTS (SELECT FROM occupant o
                          WHERE o.provider = r.provider AND o.device = v_device)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                    'error', 'device', 'provider', r.uuid, 'device', v_device);
            ELSIF EXISTS (SELECT FROM provider_device d WHERE d.provider = r.provider)
                AND NOT EXISTS (SELECT FROM provider_device d
                                WHERE d.provider = r.provider AND d.device = v_device)
                AND NOT EXISTS (SELECT FROM unnest(e_was_provider, e_was_device) AS w(p, d)
                                WHERE w.p = r.provider AND w.d = v_device)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                    'error', 'no_device', 'provider', r.uuid, 'device', v_device);
            END IF;
            INSERT INTO occupant (consumer, slot, provider, type, exclusive, device)
                VALUES (r.consumer, r.slot, r.provider, r.type, r.exclusive, v_device);
        END LOOP;
        FOR r IN
            UPDATE seen_instance s SET stray = false FROM occupant o
                WHERE o.consumer = ANY (v_ids) AND s.provider = o.provider
                  AND s.device = o.device AND s.stray
                RETURNING s.provider, s.units
        LOOP
            UPDATE inventory v SET stray = v.stray - u.value::bigint
                FROM jsonb_each_text(r.units::jsonb) u JOIN resource_class c ON c.name = u.key
                WHERE v.provider = r.provider AND v.class = c.id AND v.cap IS NOT NULL;
        END LOOP;
        -- What passes from one consumer to another takes nothing new, and is not asked.
        FOR r IN
            SELECT DISTINCT e.provider, e.uuid, e.exclusive
            FROM unnest(e_provider, e_uuid, e_exclusive) AS e(provider, uuid, exclusive)
            WHERE e.exclusive IS NOT NULL AND e.provider IS NOT NULL
              AND NOT EXISTS (SELECT FROM unnest(e_was_provider, e_was_exclusive) AS w(p, x)
                              WHERE w.p = e.provider AND w.x = e.exclusive)
            ORDER BY e.uuid, e.exclusive
        LOOP
            SELECT array_agg(DISTINCT o.exclusive ORDER BY o.exclusive) INTO v_in_use
                FROM (SELECT exclusive FROM occupant WHERE provider = r.provider
                      UNION ALL
                      SELECT exclusive FROM seen_instance WHERE provider = r.provider AND stray) o
                WHERE o.exclusive <> r.exclusive;
            IF v_in_use IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = jsonb_build_object(
                    'error', 'exclusive', 'provider', r.uuid,
                    'wanted', r.exclusive, 'in_use', v_in_use);
            END IF;
        END LOOP;
        -- Instances still on the host whose holders have just let go.  A holder without a
        -- device may have any instance of its type, so one of those stays its own.
        FOR r IN
            UPDATE seen_instance s SET stray = true FROM (
                SELECT i.provider, i.device, i.type, row_number() OVER (
                           PARTITION BY i.provider, i.type ORDER BY i.device) AS n
                FROM seen_instance i
                WHERE i.provider = ANY (e_was_provider) AND NOT i.stray AND NOT EXISTS (
                    SELECT FROM occupant o
                    WHERE o.provider = i.provider AND o.device = i.device)) f
                WHERE s.provider = f.provider AND s.device = f.device AND f.n > (
                    SELECT count(*) FROM occupant o
                    WHERE o.provider = f.provider AND o.type = f.type AND o.device IS NULL)
                RETURNING s.provider, s.units
        LOOP
            UPDATE inventory v SET stray = v.stray + u.value::bigint
                FROM jsonb_each_text(r.units::jsonb) u JOIN resource_class c ON c.name = u.key
                WHERE v.provider = r.provider AND v.class = c.id AND v.cap IS NOT NULL;
        END LOOP;
    END IF;

    -- Counters and the feed.
    FOR i IN 1 .. cardinality(h_uuid) LOOP
        v_generation := NULL;
        IF i <> ALL (a_holding) AND i <> ALL (o_holding) THEN
            DELETE FROM consumer c WHERE c.id = v_ids[i];
        ELSIF v_new[i] THEN
            v_generation := 1;
        ELSE
            UPDATE consumer c SET generation = c.generation + 1, type = h_type[i],
                   project = h_project[i], user_id = h_user[i], changed_at = p_at
                WHERE c.id = v_ids[i] RETURNING c.generation INTO v_generation;
        END IF;
        v_consumers := v_consumers || jsonb_build_object(h_uuid[i], v_generation);
    END LOOP;
    WITH moved AS (
        UPDATE provider p SET generation = p.generation + 1, changed_at = p_at,
               silent = p.silent + coalesce(p.uuid <> ALL (n_provider), false)::int
            WHERE p.id = ANY (t_touched) OR p.uuid = ANY (n_provider)
            RETURNING p.uuid, p.generation
    ), told AS (
        INSERT INTO change (xid, kind, ref, generation)
            SELECT pg_current_xact_id(), 'use', m.uuid, m.generation FROM moved m
    )
    SELECT coalesce(jsonb_object_agg(m.uuid, m.generation), '{}') INTO v_providers FROM moved m;
    IF cardinality(o_holding) > 0 THEN
        SELECT coalesce(jsonb_object_agg(d.uuid, d.devices), '{}') INTO v_devices
            FROM (SELECT c.uuid, jsonb_object_agg(o.slot, o.device) AS devices
                  FROM occupant o JOIN consumer c ON c.id = o.consumer
                  WHERE o.consumer = ANY (v_ids) AND o.device IS NOT NULL GROUP BY c.uuid) d;
    END IF;
    v_outcome := jsonb_build_object(
        'consumers', v_consumers, 'providers', v_providers, 'devices', v_devices);
    UPDATE claim c SET outcome = v_outcome::text WHERE c.id = p_id;
    RETURN v_outcome;
EXCEPTION WHEN SQLSTATE 'WH001' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail::jsonb;
END
$claim$;
