-- One claim in one call: every holding becomes as said, or nothing changes.
--
-- The twin of wherry/store/claims_sqlite.py; tests run both on the same claims.  Rows are locked
-- in one order: consumers by uuid, then providers by uuid.  All that hangs on a provider
-- (inventories, occupants, seen instances) changes only under its provider's lock, in reports
-- too, so two claims cannot wait for each other.
--
-- Most claims are of one consumer that takes, or that lets go of all: for these a few statements
-- run that find their row by its key, and nothing that has to be planned or sorted.  Arrays of
-- one prefix run in parallel:
--   h_  holdings, sorted by consumer; h_type null: as it is; h_expected: -1 any, -2 must not
--       exist, -3 must exist, else the generation
--   a_  allocations: index of the holding, provider, class, units
--   o_  occupants: index of the holding, provider, slot, type, exclusive (JSON), device
--   f_  providers that the decision looked at, with their facts generation
--   n_  providers that a client of Placement named: its clients count a move of these and of no
--       others, changed or not; null: of whichever change
--   p_names  all the providers of a_, o_, f_ and n_, sorted
-- p_id null: nobody will say the claim again, and it is not written down.  p_plain: refused as
-- 'special' unless one consumer, of no guest and with no devices, takes from providers that are
-- no devices of a host, or lets go of all.
--
-- Called by wherry_claims_0003, whose settings it needs.  Gives JSON: {consumers, providers,
-- devices}, or {first, digest} of an earlier claim of this id, or {error, ...}; a refusal undoes
-- all that was written by leaving the block.
CREATE FUNCTION wherry_claim_0003(
    p_id text, p_digest text, p_at double precision, p_plain boolean, p_names text[],
    h_uuid text[], h_type text[], h_project text[], h_user text[], h_expected bigint[],
    a_holding int[], a_provider text[], a_class text[], a_units bigint[],
    o_holding int[], o_provider text[], o_slot text[], o_type text[], o_exclusive text[],
    o_device text[], f_provider text[], f_expected bigint[], n_provider text[]
) RETURNS text LANGUAGE plpgsql AS $claim$
#variable_conflict use_column
DECLARE
    r record; v_at int; v_detail text;
    v_id bigint; v_uuid text; v_generation bigint; v_facts bigint; v_is_device boolean;
    v_own bigint; v_class int; v_cap bigint; v_min bigint; v_max bigint; v_step bigint;
    v_device text; v_in_use text[]; v_has_devices boolean := false;
    v_is_old boolean := false; v_is_simple boolean;
    v_consumers text := ''; v_providers text := ''; v_devices text := '{}';
    -- Consumers: id, and the generation before; null of those that are new.
    c_id bigint[] := '{}'; c_generation bigint[] := '{}';
    -- Held before: x_ allocations, y_ occupants.
    x_consumer bigint[] := '{}'; x_provider bigint[] := '{}'; x_class int[] := '{}';
    x_used bigint[] := '{}';
    y_consumer bigint[] := '{}'; y_slot text[] := '{}'; y_provider bigint[] := '{}';
    y_type text[] := '{}'; y_exclusive text[] := '{}'; y_device text[] := '{}';
    y_kept int[] := '{}';
    -- What changes: d_ allocations, e_ occupants.
    d_consumer bigint[]; d_provider bigint[] := '{}'; d_class int[]; d_uuid text[];
    d_name text[]; d_old bigint[]; d_new bigint[];
    e_consumer bigint[] := '{}'; e_slot text[] := '{}'; e_was_provider bigint[] := '{}';
    e_was_exclusive text[] := '{}'; e_was_device text[] := '{}'; e_provider bigint[] := '{}';
    e_uuid text[] := '{}'; e_type text[] := '{}'; e_exclusive text[] := '{}';
    e_device text[] := '{}';
    -- Providers: those locked, those that move on.
    l_uuid text[] := p_names; l_id bigint[] := '{}';
    v_sure text[] := n_provider; v_touched bigint[] := '{}';
    t_uuid text[] := '{}'; t_generation bigint[] := '{}';
BEGIN
    -- Consumers.
    FOR i IN 1 .. cardinality(h_uuid) LOOP
        LOOP
            -- Who must not exist is rather made at once than looked for.
            IF h_expected[i] <> -2 OR v_id IS NOT NULL THEN
                SELECT c.id, c.generation INTO v_id, v_generation
                    FROM consumer c WHERE c.uuid = h_uuid[i] FOR UPDATE;
                EXIT WHEN FOUND;
            END IF;
            v_generation := NULL;
            INSERT INTO consumer (uuid, generation, type, project, user_id, changed_at)
                VALUES (h_uuid[i], 1, coalesce(h_type[i], 'unknown'), h_project[i], h_user[i],
                        p_at)
                ON CONFLICT (uuid) DO NOTHING RETURNING id INTO v_id;
            EXIT WHEN FOUND;
            v_id := 0;
        END LOOP;
        c_id := c_id || v_id;
        c_generation := c_generation || v_generation;
        v_is_old := v_is_old OR v_generation IS NOT NULL;
        v_id := NULL;
    END LOOP;

    -- A claim's id takes effect once.  A second one has waited for the first by now, as both
    -- begin with the same consumers.
    IF p_id IS NOT NULL THEN
        SELECT c.digest, c.outcome INTO r FROM claim c WHERE c.id = p_id;
        IF FOUND THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                'digest', r.digest, 'first', r.outcome);
        END IF;
    END IF;
    FOR i IN 1 .. cardinality(h_uuid) LOOP
        IF h_expected[i] <> -1 AND h_expected[i] <> coalesce(c_generation[i], -2)
            AND (h_expected[i] <> -3 OR c_generation[i] IS NULL)
        THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                'error', 'consumer', 'consumer', h_uuid[i],
                'expected', CASE WHEN h_expected[i] >= 0 THEN h_expected[i] END,
                'found', c_generation[i]);
        END IF;
    END LOOP;

    -- What they hold.
    IF v_is_old THEN
        FOR r IN SELECT a.consumer, a.provider, a.class, a.used FROM allocation a
                 WHERE a.consumer = ANY (c_id)
        LOOP
            x_consumer := x_consumer || r.consumer;
            x_provider := x_provider || r.provider;
            x_class := x_class || r.class;
            x_used := x_used || r.used;
        END LOOP;
        FOR r IN SELECT o.* FROM occupant o WHERE o.consumer = ANY (c_id)
                 ORDER BY o.consumer, o.slot
        LOOP
            y_consumer := y_consumer || r.consumer;
            y_slot := y_slot || r.slot;
            y_provider := y_provider || r.provider;
            y_type := y_type || r.type;
            y_exclusive := y_exclusive || r.exclusive;
            y_device := y_device || r.device;
        END LOOP;
    END IF;
    v_is_simple := cardinality(h_uuid) = 1 AND (NOT v_is_old OR cardinality(a_units) = 0);
    IF p_plain AND (NOT v_is_simple OR cardinality(o_slot) + cardinality(y_slot) > 0
                    OR EXISTS (SELECT FROM guest g WHERE g.uuid = h_uuid[1])
                    OR EXISTS (SELECT FROM guest g WHERE g.migration = h_uuid[1]))
    THEN
        RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = '{"error": "special"}';
    END IF;

    -- What changes of it; of occupants, those that only end come last.
    IF v_is_simple THEN
        d_provider := x_provider;
    ELSE
        SELECT coalesce(array_agg(d.consumer), '{}'), coalesce(array_agg(d.provider), '{}'),
               array_agg(d.class), array_agg(d.uuid), array_agg(d.name), array_agg(d.old),
               array_agg(d.new)
            INTO d_consumer, d_provider, d_class, d_uuid, d_name, d_old, d_new
            FROM (SELECT consumer, provider, class, w.uuid, w.name,
                         coalesce(x.used, 0) AS old, coalesce(w.units, 0) AS new
                  FROM unnest(x_consumer, x_provider, x_class, x_used)
                       AS x(consumer, provider, class, used)
                  FULL JOIN (
                      SELECT c_id[u.h] AS consumer, u.uuid, u.name, u.units,
                             (SELECT p.id FROM provider p WHERE p.uuid = u.uuid) AS provider,
                             (SELECT c.id FROM resource_class c WHERE c.name = u.name) AS class
                      FROM unnest(a_holding, a_provider, a_class, a_units)
                           AS u(h, uuid, name, units)) w
                  USING (consumer, provider, class)) d
            WHERE d.old <> d.new;
    END IF;
    FOR i IN 1 .. cardinality(o_slot) LOOP
        SELECT p.id INTO v_id FROM provider p WHERE p.uuid = o_provider[i];
        v_at := NULL;
        FOR j IN 1 .. cardinality(y_slot) LOOP
            IF y_consumer[j] = c_id[o_holding[i]] AND y_slot[j] = o_slot[i] THEN
                v_at := j;
            END IF;
        END LOOP;
        y_kept := y_kept || v_at;
        -- A device left out is the one that is held there already.
        v_device := o_device[i];
        IF v_device IS NULL AND y_provider[v_at] = v_id THEN
            v_device := y_device[v_at];
        END IF;
        CONTINUE WHEN v_at IS NOT NULL
            AND (y_provider[v_at], y_type[v_at], y_exclusive[v_at], y_device[v_at])
                IS NOT DISTINCT FROM (v_id, o_type[i], o_exclusive[i], v_device);
        e_consumer := e_consumer || c_id[o_holding[i]];
        e_slot := e_slot || o_slot[i];
        e_was_provider := e_was_provider || y_provider[v_at];
        e_was_exclusive := e_was_exclusive || y_exclusive[v_at];
        e_was_device := e_was_device || y_device[v_at];
        e_provider := e_provider || v_id;
        e_uuid := e_uuid || o_provider[i];
        e_type := e_type || o_type[i];
        e_exclusive := e_exclusive || o_exclusive[i];
        e_device := e_device || v_device;
    END LOOP;
    FOR j IN 1 .. cardinality(y_slot) LOOP
        CONTINUE WHEN j = ANY (y_kept);
        e_consumer := e_consumer || y_consumer[j];
        e_slot := e_slot || y_slot[j];
        e_was_provider := e_was_provider || y_provider[j];
        e_was_exclusive := e_was_exclusive || y_exclusive[j];
        e_was_device := e_was_device || y_device[j];
        e_provider := e_provider || NULL::bigint;
    END LOOP;

    -- Providers, in order of uuid: those that change or are named move on, those that the
    -- decision looked at stay as they are.
    IF v_is_old THEN
        v_touched := d_provider || e_was_provider || e_provider;
        IF cardinality(p_names) = 0 THEN
            SELECT coalesce(array_agg(p.uuid), '{}') INTO l_uuid FROM (
                SELECT p.uuid FROM provider p WHERE p.id = ANY (v_touched) ORDER BY p.uuid) p;
        ELSE
            SELECT array_agg(p.uuid) INTO l_uuid FROM (
                SELECT p.uuid FROM provider p WHERE p.id = ANY (v_touched)
                UNION SELECT unnest(p_names) ORDER BY uuid) p;
        END IF;
    ELSE
        v_sure := coalesce(n_provider, '{}') || a_provider || o_provider;
    END IF;
    FOREACH v_uuid IN ARRAY l_uuid LOOP
        UPDATE provider p
            SET generation = p.generation + 1, changed_at = p_at,
                silent = p.silent + coalesce(v_uuid <> ALL (n_provider), false)::int
            WHERE p.uuid = v_uuid AND (v_uuid = ANY (v_sure) OR p.id = ANY (v_touched))
            RETURNING p.id, p.facts_generation, p.generation,
                      p.host IS NOT NULL AND p.parent IS NOT NULL
            INTO v_id, v_facts, v_generation, v_is_device;
        IF FOUND THEN
            t_uuid := t_uuid || v_uuid;
            t_generation := t_generation || v_generation;
        ELSE
            SELECT p.id, p.facts_generation, false INTO v_id, v_facts, v_is_device
                FROM provider p WHERE p.uuid = v_uuid FOR NO KEY UPDATE;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'provider', 'provider', v_uuid);
            END IF;
        END IF;
        v_at := array_position(f_provider, v_uuid);
        IF v_at IS NOT NULL AND v_facts <> f_expected[v_at] THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                'error', 'facts', 'provider', v_uuid,
                'expected', f_expected[v_at], 'found', v_facts);
        END IF;
        IF p_plain AND v_is_device THEN
            RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = '{"error": "special"}';
        END IF;
        l_id := l_id || v_id;
    END LOOP;

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

    -- Units, and the pools that a view's units are charged to.
    IF v_is_simple THEN
        FOR i IN 1 .. cardinality(x_used) LOOP
            UPDATE inventory v
                SET used = v.used - x_used[i],
                    charged = v.charged - CASE WHEN v.cap IS NULL THEN 0 ELSE x_used[i] END
                WHERE v.provider = x_provider[i] AND v.class = x_class[i]
                RETURNING v.cap INTO v_cap;
            -- A view, or what was one and has nothing to give any more.
            IF coalesce(v_cap, 0) = 0 THEN
                UPDATE inventory v SET charged = v.charged - w.units * x_used[i]
                    FROM view w
                    WHERE w.provider = x_provider[i] AND w.class = x_class[i]
                      AND v.provider = w.provider AND v.class = w.pool;
            END IF;
        END LOOP;
        IF v_is_old THEN
            DELETE FROM allocation a WHERE a.consumer = c_id[1];
        END IF;
        FOR i IN 1 .. cardinality(a_units) LOOP
            v_own := a_units[i];
            v_id := l_id[array_position(l_uuid, a_provider[i])];
            UPDATE inventory v
                SET used = v.used + v_own,
                    charged = v.charged + CASE WHEN v.cap IS NULL THEN 0 ELSE v_own END
                FROM resource_class c
                WHERE c.name = a_class[i] AND v.provider = v_id AND v.class = c.id
                  AND (v.cap IS NULL OR v.charged + v.stray + v_own <= v.cap)
                RETURNING v.class, v.cap, v.min_unit, v.max_unit, v.step_size
                INTO v_class, v_cap, v_min, v_max, v_step;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'capacity', 'provider', a_provider[i], 'class', a_class[i],
                    'asked', v_own);
            END IF;
            IF v_own < v_min OR v_own > v_max OR v_own % v_step <> 0 THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'units', 'provider', a_provider[i], 'class', a_class[i],
                    'asked', v_own, 'min_unit', v_min, 'max_unit', v_max, 'step_size', v_step);
            END IF;
            INSERT INTO allocation (consumer, provider, class, used)
                VALUES (c_id[1], v_id, v_class, v_own);
            CONTINUE WHEN v_cap IS NOT NULL;
            IF p_plain THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = '{"error": "special"}';
            END IF;
            FOR r IN
                SELECT w.pool, c.name, w.units * v_own AS charge
                FROM view w JOIN resource_class c ON c.id = w.pool
                WHERE w.provider = v_id AND w.class = v_class ORDER BY c.name
            LOOP
                UPDATE inventory v SET charged = v.charged + r.charge
                    WHERE v.provider = v_id AND v.class = r.pool
                      AND v.charged + v.stray + r.charge <= v.cap;
                IF NOT FOUND THEN
                    RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                        'error', 'capacity', 'provider', a_provider[i], 'class', r.name,
                        'asked', r.charge);
                END IF;
            END LOOP;
        END LOOP;
    ELSE
        FOR r IN
            SELECT t.provider, t.class, max(t.uuid) AS uuid, max(t.name) AS name,
                   sum(t.own)::bigint AS own, sum(t.charge)::bigint AS charge
            FROM (SELECT d.provider, d.class, d.uuid, d.name, d.new - d.old AS own,
                         d.new - d.old AS charge
                  FROM unnest(d_provider, d_class, d_uuid, d_name, d_old, d_new)
                       AS d(provider, class, uuid, name, old, new)
                  UNION ALL
                  SELECT d.provider, w.pool, d.uuid, c.name, 0, (d.new - d.old) * w.units
                  FROM unnest(d_provider, d_class, d_uuid, d_old, d_new)
                       AS d(provider, class, uuid, old, new)
                  JOIN view w ON w.provider = d.provider AND w.class = d.class
                  JOIN resource_class c ON c.id = w.pool) t
            GROUP BY t.provider, t.class
            HAVING sum(t.own) <> 0 OR sum(t.charge) <> 0
            ORDER BY max(t.uuid) COLLATE "C", max(t.name) COLLATE "C"
        LOOP
            UPDATE inventory v
                SET used = v.used + r.own,
                    charged = v.charged + CASE WHEN v.cap IS NULL THEN 0 ELSE r.charge END
                WHERE v.provider = r.provider AND v.class = r.class
                  AND (r.charge <= 0 OR v.cap IS NULL OR v.charged + v.stray + r.charge <= v.cap)
                RETURNING v.min_unit, v.max_unit, v.step_size INTO v_min, v_max, v_step;
            IF NOT FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'capacity', 'provider', r.uuid, 'class', r.name, 'asked', r.charge);
            END IF;
            CONTINUE WHEN r.own <= 0;
            SELECT d.new INTO v_own
                FROM unnest(d_provider, d_class, d_old, d_new) AS d(provider, class, old, new)
                WHERE d.provider = r.provider AND d.class = r.class AND d.new > d.old
                  AND (d.new < v_min OR d.new > v_max OR d.new % v_step <> 0)
                ORDER BY d.new LIMIT 1;
            IF FOUND THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'units', 'provider', r.uuid, 'class', r.name, 'asked', v_own,
                    'min_unit', v_min, 'max_unit', v_max, 'step_size', v_step);
            END IF;
        END LOOP;
        DELETE FROM allocation a
            USING unnest(d_consumer, d_provider, d_class, d_new)
                  AS d(consumer, provider, class, new)
            WHERE d.new = 0 AND a.consumer = d.consumer AND a.provider = d.provider
              AND a.class = d.class;
        INSERT INTO allocation AS a (consumer, provider, class, used)
            SELECT d.consumer, d.provider, d.class, d.new
            FROM unnest(d_consumer, d_provider, d_class, d_new)
                 AS d(consumer, provider, class, new)
            WHERE d.new > 0
            ON CONFLICT (consumer, provider, class) DO UPDATE SET used = excluded.used;
    END IF;

    -- Devices: those asked by name first, so that none of them is given to another.
    IF cardinality(y_slot) > 0 AND cardinality(e_slot) > 0 THEN
        DELETE FROM occupant o USING unnest(e_consumer, e_slot) AS e(consumer, slot)
            WHERE o.consumer = e.consumer AND o.slot = e.slot;
    END IF;
    IF cardinality(e_uuid) > 0 THEN
        FOR r IN
            SELECT e.* FROM unnest(e_consumer[:cardinality(e_uuid)], e_slot, e_provider, e_uuid,
                                   e_type, e_exclusive, e_device) WITH ORDINALITY
                AS e(consumer, slot, provider, uuid, type, exclusive, device, k)
            WHERE e.uuid IS NOT NULL ORDER BY e.device IS NULL, e.k
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
                    RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                        'error', 'device', 'provider', r.uuid, 'device', NULL);
                END IF;
            ELSIF EXISTS (SELECT FROM occupant o
                          WHERE o.provider = r.provider AND o.device = v_device)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'device', 'provider', r.uuid, 'device', v_device);
            ELSIF EXISTS (SELECT FROM provider_device d WHERE d.provider = r.provider)
                AND NOT EXISTS (SELECT FROM provider_device d
                                WHERE d.provider = r.provider AND d.device = v_device)
                AND NOT EXISTS (SELECT FROM unnest(e_was_provider, e_was_device) AS w(p, d)
                                WHERE w.p = r.provider AND w.d = v_device)
            THEN
                RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                    'error', 'no_device', 'provider', r.uuid, 'device', v_device);
            END IF;
            INSERT INTO occupant (consumer, slot, provider, type, exclusive, device)
                VALUES (r.consumer, r.slot, r.provider, r.type, r.exclusive, v_device);
            v_has_devices := v_has_devices OR v_device IS NOT NULL;
        END LOOP;
        IF v_has_devices THEN
            FOR r IN
                UPDATE seen_instance s SET stray = false FROM occupant o
                    WHERE o.consumer = ANY (c_id) AND s.provider = o.provider
                      AND s.device = o.device AND s.stray
                    RETURNING s.provider, s.units
            LOOP
                UPDATE inventory v SET stray = v.stray - u.value::bigint
                    FROM jsonb_each_text(r.units::jsonb) u JOIN resource_class c ON c.name = u.key
                    WHERE v.provider = r.provider AND v.class = c.id AND v.cap IS NOT NULL;
            END LOOP;
        END IF;
        IF cardinality(array_remove(e_exclusive, NULL)) > 0 THEN
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
                          SELECT exclusive FROM seen_instance
                          WHERE provider = r.provider AND stray) o
                    WHERE o.exclusive <> r.exclusive;
                IF v_in_use IS NOT NULL THEN
                    RAISE EXCEPTION USING ERRCODE = 'WH001', DETAIL = json_build_object(
                        'error', 'exclusive', 'provider', r.uuid,
                        'wanted', r.exclusive, 'in_use', v_in_use);
                END IF;
            END LOOP;
        END IF;
    END IF;
    -- Instances still on the host whose holders have just let go.  A holder without a device
    -- may have any instance of its type, so one of those stays its own.
    IF cardinality(y_slot) > 0 AND EXISTS (
        SELECT FROM seen_instance s WHERE s.provider = ANY (e_was_provider))
    THEN
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
            DELETE FROM consumer c WHERE c.id = c_id[i];
        ELSIF c_generation[i] IS NULL THEN
            v_generation := 1;
        ELSE
            UPDATE consumer c SET generation = c.generation + 1,
                   type = coalesce(h_type[i], c.type),
                   project = h_project[i], user_id = h_user[i], changed_at = p_at
                WHERE c.id = c_id[i] RETURNING c.generation INTO v_generation;
        END IF;
        v_consumers := v_consumers || CASE i WHEN 1 THEN '' ELSE ',' END
            || to_json(h_uuid[i]) || ':' || coalesce(v_generation::text, 'null');
    END LOOP;
    INSERT INTO change (xid, kind, ref, generation)
        SELECT pg_current_xact_id(), 'use', t.uuid, t.generation
        FROM unnest(t_uuid, t_generation) AS t(uuid, generation);
    FOR i IN 1 .. cardinality(t_uuid) LOOP
        v_providers := v_providers || CASE i WHEN 1 THEN '' ELSE ',' END
            || to_json(t_uuid[i]) || ':' || t_generation[i];
    END LOOP;
    IF v_has_devices OR cardinality(o_slot) > 0 AND cardinality(y_slot) > 0 THEN
        SELECT coalesce(json_object_agg(d.uuid, d.devices)::text, '{}') INTO v_devices
            FROM (SELECT c.uuid, json_object_agg(o.slot, o.device) AS devices
                  FROM occupant o JOIN consumer c ON c.id = o.consumer
                  WHERE o.consumer = ANY (c_id) AND o.device IS NOT NULL GROUP BY c.uuid) d;
    END IF;
    v_detail := '{"consumers":{' || v_consumers || '},"providers":{' || v_providers
        || '},"devices":' || v_devices || '}';
    IF p_id IS NOT NULL THEN
        INSERT INTO claim (id, digest, at, outcome) VALUES (p_id, p_digest, p_at, v_detail);
    END IF;
    RETURN v_detail;
EXCEPTION WHEN SQLSTATE 'WH001' THEN
    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL;
    RETURN v_detail;
END
$claim$;
