/**
 * The routines that write: a whole batch is one call, so that a commit is one round trip and no lock is ever held while
 * a gateway thinks, or is cut off. Each writes all that it was given or nothing.
 */

/**
 * `append_batch`, as a migration makes it. Another list of parameters makes another routine, and the earlier one stays for
 * gateways of the version before. `first`: what it does besides, before the log.
 */
const appendBatch = (parameters: string, first: string) => `
  -- Values and plain events. Answers {} when all is written; {"dead":[connector]} where a connector is gone, or
  -- {"taken":[position]} for recorded points that are there already: nothing is written then.
  CREATE FUNCTION append_batch(
    p_id uuid, p_node text, p_signals text,
    e_connector bigint[], e_device bigint[], e_identity text[], e_type text[], e_ip text[], e_protocol text[],
    e_timestamp bigint[], e_connection text[], e_payload text[],
    f_connector bigint[], f_minute bigint[], f_kind text[], f_n bigint[],
    p_connectors bigint[], p_devices bigint[],
    h_device bigint[], h_alias text[], h_timestamp bigint[], h_value text[],
    r_device bigint[], r_alias text[], r_timestamp bigint[], r_value text[],
    s_device bigint[], s_alias text[], s_set text[], s_set_at bigint[], s_reported text[], s_reported_at bigint[],
    w_device bigint[], w_alias text[], w_at bigint[], w_value text[],
    o_device bigint[], o_alias text[], o_at bigint[], o_value text[]${parameters}
  ) RETURNS json LANGUAGE plpgsql AS $fn$
  DECLARE
    v_dead json;
    v_taken json;
    v_gone bigint[];
  BEGIN
    SELECT json_agg(k) INTO v_dead FROM unnest(p_connectors) k
      WHERE NOT EXISTS (SELECT 1 FROM connectors c WHERE c.key = k AND c.id IS NOT NULL);
    IF v_dead IS NOT NULL THEN RETURN json_build_object('dead', v_dead); END IF;
    IF array_length(r_device, 1) > 0 THEN
      SELECT json_agg(r.n - 1) INTO v_taken
        FROM unnest(r_device, r_alias, r_timestamp) WITH ORDINALITY AS r (device, alias, at, n)
        JOIN points p ON p.device = r.device AND p.alias = r.alias COLLATE "C" AND p.timestamp = r.at;
      IF v_taken IS NOT NULL THEN RETURN json_build_object('taken', v_taken); END IF;
    END IF;
    SELECT coalesce(array_agg(k), '{}') INTO v_gone FROM unnest(p_devices) k
      WHERE NOT EXISTS (SELECT 1 FROM devices d WHERE d.key = k);
    -- In one order everywhere, so that batches of two gateways wait for each other and never in a circle.
    INSERT INTO state AS s
      SELECT * FROM unnest(s_device, s_alias, s_set, s_set_at, s_reported, s_reported_at)
        AS n (device, alias, set_value, set_at, reported, reported_at)
      WHERE device <> ALL (v_gone) ORDER BY device, alias COLLATE "C"
      ON CONFLICT (device, alias) DO UPDATE SET
        set_value = CASE WHEN s.set_at IS NULL OR excluded.set_at >= s.set_at
          THEN coalesce(excluded.set_value, s.set_value) ELSE s.set_value END,
        set_at = CASE WHEN s.set_at IS NULL OR excluded.set_at >= s.set_at
          THEN coalesce(excluded.set_at, s.set_at) ELSE s.set_at END,
        reported = CASE WHEN s.reported_at IS NULL OR excluded.reported_at >= s.reported_at
          THEN coalesce(excluded.reported, s.reported) ELSE s.reported END,
        reported_at = CASE WHEN s.reported_at IS NULL OR excluded.reported_at >= s.reported_at
          THEN coalesce(excluded.reported_at, s.reported_at) ELSE s.reported_at END;
    -- What the device itself reports it need not be told; what the cloud sets replaces what it set before. Without a value:
    -- the device has reported that one already.
    DELETE FROM wanted w USING unnest(w_device, w_alias, w_at, w_value) AS n (device, alias, at, value)
      WHERE w.device = n.device AND w.alias = n.alias COLLATE "C" AND w.at <= n.at AND w.value = n.value;
    IF array_length(o_device, 1) > 0 THEN
      DELETE FROM wanted w USING unnest(o_device, o_alias, o_at, o_value) AS n (device, alias, at, value)
        WHERE w.device = n.device AND w.alias = n.alias COLLATE "C" AND w.at <= n.at AND n.value IS NULL;
      INSERT INTO wanted AS w
        SELECT * FROM unnest(o_device, o_alias, o_at, o_value) AS n (device, alias, at, value)
        WHERE device <> ALL (v_gone) AND value IS NOT NULL ORDER BY device, alias COLLATE "C"
        ON CONFLICT (device, alias) DO UPDATE SET at = excluded.at, value = excluded.value WHERE excluded.at >= w.at;
    END IF;
    INSERT INTO points
      SELECT * FROM unnest(h_device, h_alias, h_timestamp, h_value) AS h (device, alias, at, value)
      WHERE device <> ALL (v_gone) ORDER BY device, alias COLLATE "C", at
      ON CONFLICT DO NOTHING;
    IF array_length(r_device, 1) > 0 THEN
      -- What came in between breaks this batch, and is found when it is tried again.
      INSERT INTO points
        SELECT * FROM unnest(r_device, r_alias, r_timestamp, r_value) AS r (device, alias, at, value)
        WHERE device <> ALL (v_gone) ORDER BY device, alias COLLATE "C", at;
    END IF;
${first}    PERFORM write_log(p_id, p_node, p_signals, e_connector, e_device, e_identity, e_type, e_ip, e_protocol, e_timestamp,
      e_connection, e_payload, f_connector, f_minute, f_kind, f_n);
    RETURN '{}';
  END $fn$;`;

/** Those of the first version. */
export const routines = `
  -- Refuses the whole statement list unless the condition holds; the code is told to the caller.
  CREATE FUNCTION demand(holds boolean, code text) RETURNS void LANGUAGE plpgsql AS $fn$
  BEGIN
    IF holds IS NOT TRUE THEN RAISE EXCEPTION USING ERRCODE = 'SL001', MESSAGE = code; END IF;
  END $fn$;

  -- The end of every commit: takes the next number, writes the events into the log, wakes the other nodes. The lock is held
  -- until the commit is done, so numbers become visible in order: who has seen one never finds a smaller one later.
  CREATE FUNCTION write_log(
    p_id uuid, p_node text, p_signals text,
    e_connector bigint[], e_device bigint[], e_identity text[], e_type text[], e_ip text[], e_protocol text[],
    e_timestamp bigint[], e_connection text[], e_payload text[],
    f_connector bigint[], f_minute bigint[], f_kind text[], f_n bigint[]
  ) RETURNS void LANGUAGE plpgsql AS $fn$
  DECLARE
    v_number bigint;
    v_seq bigint;
    v_events bigint := coalesce(array_length(e_connector, 1), 0);
    v_signals text := nullif(p_signals, '');
  BEGIN
    PERFORM pg_advisory_xact_lock(5519, 1);
    SELECT number, seq INTO v_number, v_seq FROM commits WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1;
    v_number := coalesce(v_number, 0) + 1;
    v_seq := coalesce(v_seq, 0);
    INSERT INTO commits (id, number, node, seq, signals) VALUES (p_id, v_number, p_node, v_seq + v_events, v_signals);
    IF v_events > 0 THEN
      INSERT INTO events
        SELECT v_seq + n, connector, device, identity, type, ip, protocol, at, connection, payload
        FROM unnest(e_connector, e_device, e_identity, e_type, e_ip, e_protocol, e_timestamp, e_connection, e_payload)
          WITH ORDINALITY AS e (connector, device, identity, type, ip, protocol, at, connection, payload, n);
    END IF;
    IF array_length(f_connector, 1) > 0 THEN
      INSERT INTO figures AS f SELECT * FROM unnest(f_connector, f_minute, f_kind, f_n)
        ON CONFLICT (connector, minute, kind) DO UPDATE SET n = f.n + excluded.n;
    END IF;
    PERFORM pg_notify('slipway', CASE
      WHEN octet_length(v_signals) > 7500 THEN v_number || ' ' || p_node
      ELSE v_number || ' ' || p_node || ' ' || coalesce(v_signals, '') END);
  END $fn$;

  ${appendBatch('', '').trim()}

  -- Everything of these devices but their state, history and log, which are removed in steps.
  CREATE FUNCTION remove_devices(p_keys bigint[]) RETURNS bigint LANGUAGE plpgsql AS $fn$
  DECLARE
    v_removed bigint;
  BEGIN
    PERFORM 1 FROM devices WHERE key = ANY (p_keys) ORDER BY key FOR UPDATE;
    DELETE FROM device_tags WHERE device = ANY (p_keys);
    DELETE FROM credentials WHERE device = ANY (p_keys);
    DELETE FROM presence WHERE device = ANY (p_keys);
    DELETE FROM devices WHERE key = ANY (p_keys);
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    INSERT INTO remains SELECT unnest(p_keys) ON CONFLICT DO NOTHING;
    RETURN v_removed;
  END $fn$;

  -- What rules decided on devices that were read before. "p_seen" says of each device which version that was (0: none).
  -- Answers {} when all is written; {"dead":[connector]}, {"stale":[key]} where a device has changed since, {"taken":[key]}
  -- where a credential belongs to another device: nothing is written then.
  CREATE FUNCTION change_devices(
    p_id uuid, p_node text, p_signals text,
    e_connector bigint[], e_device bigint[], e_identity text[], e_type text[], e_ip text[], e_protocol text[],
    e_timestamp bigint[], e_connection text[], e_payload text[],
    f_connector bigint[], f_minute bigint[], f_kind text[], f_n bigint[],
    p_connectors bigint[], p_seen json, p_devices json, p_removed bigint[],
    p_retagged bigint[], p_tags json, p_recredited bigint[], p_credentials json
  ) RETURNS json LANGUAGE plpgsql AS $fn$
  DECLARE
    v_bad json;
  BEGIN
    SELECT json_agg(k) INTO v_bad FROM unnest(p_connectors) k
      WHERE NOT EXISTS (SELECT 1 FROM connectors c WHERE c.key = k AND c.id IS NOT NULL);
    IF v_bad IS NOT NULL THEN RETURN json_build_object('dead', v_bad); END IF;

    PERFORM 1 FROM devices
      WHERE key IN (SELECT key FROM json_to_recordset(p_seen) AS s (key bigint)) ORDER BY key FOR UPDATE;
    SELECT json_agg(s.key) INTO v_bad
      FROM json_to_recordset(p_seen) AS s (key bigint, connector bigint, identity text, version bigint)
      LEFT JOIN devices d ON d.connector = s.connector AND d.identity = s.identity COLLATE "C"
      WHERE coalesce(d.version, 0) <> s.version OR (d.key IS NOT NULL AND d.key <> s.key);
    IF v_bad IS NOT NULL THEN RETURN json_build_object('stale', v_bad); END IF;

    -- A device whose connector was deleted holds its credential no longer.
    DELETE FROM credentials c
      USING json_to_recordset(p_credentials) AS n (type text, digest text), connectors k
      WHERE n.type = 'token' AND c.type = 'token' AND c.digest = n.digest COLLATE "C" AND k.key = c.connector AND k.id IS NULL;
    SELECT json_agg(DISTINCT n.device) INTO v_bad
      FROM json_to_recordset(p_credentials) AS n (device bigint, connector bigint, type text, digest text)
      JOIN credentials c ON c.type = n.type AND c.digest = n.digest COLLATE "C" AND c.device <> n.device
        AND (c.type = 'token' OR (c.type = 'certificate' AND c.connector = n.connector))
      WHERE n.digest IS NOT NULL;
    IF v_bad IS NOT NULL THEN RETURN json_build_object('taken', v_bad); END IF;

    IF array_length(p_removed, 1) > 0 THEN PERFORM remove_devices(p_removed); END IF;
    IF array_length(p_retagged, 1) > 0 THEN DELETE FROM device_tags WHERE device = ANY (p_retagged); END IF;
    IF array_length(p_recredited, 1) > 0 THEN DELETE FROM credentials WHERE device = ANY (p_recredited); END IF;
    INSERT INTO devices (key, connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type,
        provisioned_at, tags, phase)
      SELECT key, connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type, provisioned_at, tags, phase
      FROM json_to_recordset(p_devices) AS d (key bigint, version bigint, connector bigint, identity text, created bigint,
        expires bigint, expiry_logged boolean, locked boolean, reprovision boolean, auth_type text, provisioned_at bigint,
        tags text, phase text)
      WHERE version = 0;
    INSERT INTO presence (device, connector, activity, last_seen, last_ip)
      SELECT key, connector, coalesce(last_seen, created), last_seen, last_ip
      FROM json_to_recordset(p_devices) AS d (key bigint, version bigint, connector bigint, created bigint, last_seen bigint, last_ip text)
      WHERE version = 0;
    UPDATE devices SET expires = d.expires, expiry_logged = d.expiry_logged, locked = d.locked, reprovision = d.reprovision,
        auth_type = d.auth_type, provisioned_at = d.provisioned_at, tags = d.tags, phase = d.phase, version = d.version + 1
      FROM json_to_recordset(p_devices) AS d (key bigint, version bigint, expires bigint, expiry_logged boolean,
        locked boolean, reprovision boolean, auth_type text, provisioned_at bigint, tags text, phase text)
      WHERE d.version > 0 AND devices.key = d.key;
    INSERT INTO device_tags
      SELECT connector, name, value, device
      FROM json_to_recordset(p_tags) AS t (connector bigint, name text, value text, device bigint) ON CONFLICT DO NOTHING;
    INSERT INTO credentials
      SELECT device, slot, connector, type, digest, until, data
      FROM json_to_recordset(p_credentials)
        AS c (device bigint, slot smallint, connector bigint, type text, digest text, until bigint, data text);
    PERFORM write_log(p_id, p_node, p_signals, e_connector, e_device, e_identity, e_type, e_ip, e_protocol, e_timestamp,
      e_connection, e_payload, f_connector, f_minute, f_kind, f_n);
    RETURN '{}';
  END $fn$;

  -- Writes the next rows of an import, if this node is the one that does it. Answers how many rows it went on by and how
  -- many devices came of them; no row if it is not, and 0 rows at the end. Rows whose identity is known, or whose credential
  -- is taken, are left alone.
  CREATE FUNCTION import_step(p_batch bigint, p_node text, p_rows bigint)
    RETURNS TABLE (rows bigint, added bigint) LANGUAGE plpgsql AS $fn$
  DECLARE
    b batches;
    v_to bigint;
  BEGIN
    SELECT * INTO b FROM batches WHERE key = p_batch AND state = 'writing' AND worker = p_node FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    EXECUTE format('SELECT max(n), count(*) FROM (SELECT n FROM %I WHERE n > $1 ORDER BY n LIMIT $2) s', b.stage)
      INTO v_to, rows USING b.position, p_rows;
    added := 0;
    IF rows = 0 THEN RETURN NEXT; RETURN; END IF;
    EXECUTE format($sql$
      WITH fresh AS (
        SELECT * FROM %I r WHERE n > $1 AND n <= $2 AND NOT EXISTS (
          SELECT 1 FROM credentials c WHERE c.digest = r.digest
            AND (c.type = 'token' OR (c.type = 'certificate' AND c.connector = $3)))
      ), made AS (
        INSERT INTO devices (connector, identity, created, expires, expiry_logged, locked, reprovision, auth_type,
            provisioned_at, tags, batch, phase)
          SELECT $3, identity, $4, CASE WHEN credential IS NULL THEN $5 END, false, false, false, NULL,
            CASE WHEN credential IS NOT NULL THEN $4 END, tags, $6,
            CASE WHEN credential IS NULL THEN 'whitelisted' ELSE 'provisioned' END
          FROM fresh ORDER BY n
          ON CONFLICT (connector, identity) DO NOTHING
          RETURNING key, identity, tags
      ), present AS (
        INSERT INTO presence (device, connector, activity) SELECT key, $3, $4 FROM made
      ), tagged AS (
        INSERT INTO device_tags
          SELECT $3, t.key, v.value, m.key FROM made m, json_each(m.tags::json) t, json_array_elements_text(t.value) v
          ON CONFLICT DO NOTHING
      ), credited AS (
        INSERT INTO credentials
          SELECT m.key, 0, $3, f.type, f.digest, NULL, f.credential FROM made m JOIN fresh f USING (identity)
          WHERE f.credential IS NOT NULL
      ) SELECT count(*) FROM made$sql$, b.stage)
      INTO added USING b.position, v_to, b.connector, b.created, b.expires, b.key;
    UPDATE batches SET position = v_to, count = count + added WHERE key = b.key;
    RETURN NEXT;
  END $fn$;

  -- Removes some devices of a batch that is being undone, if this node is the one that does it; no row if it is not.
  -- "position" counts them. Those that were provisioned meanwhile stay.
  CREATE FUNCTION undo_step(p_batch bigint, p_node text, p_rows bigint) RETURNS SETOF bigint LANGUAGE plpgsql AS $fn$
  DECLARE
    b batches;
    v_keys bigint[];
  BEGIN
    SELECT * INTO b FROM batches WHERE key = p_batch AND state = 'undoing' AND worker = p_node FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    SELECT array_agg(key) INTO v_keys FROM (
      SELECT d.key FROM devices d JOIN presence p ON p.device = d.key
      WHERE d.batch = b.key AND (d.provisioned_at IS NULL OR (d.provisioned_at = d.created AND p.last_seen IS NULL))
      LIMIT p_rows) m;
    IF v_keys IS NOT NULL THEN
      PERFORM remove_devices(v_keys);
      UPDATE batches SET position = position + array_length(v_keys, 1) WHERE key = b.key;
    END IF;
    RETURN NEXT coalesce(array_length(v_keys, 1), 0);
  END $fn$;

  -- A number as JSON writes one (RFC 8259, 6); null for anything else, and for what no float can hold.
  CREATE FUNCTION json_number(value text) RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $fn$
  BEGIN
    IF value !~ '^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$' THEN RETURN NULL; END IF;
    RETURN value::float8;
  EXCEPTION WHEN numeric_value_out_of_range THEN
    -- Too small is nothing; too large is no number.
    RETURN CASE WHEN value ~ '[eE]-' OR value ~ '^-?0' THEN 0::float8 END;
  END $fn$;
`;

/** Live connections are written with the log: who is connected, and where, is known to all gateways with the commit. */
export const connectionRoutines = `
  -- Devices whose live connection (l: began, g: ended) is told of. The end of one that another has replaced is not the device's.
  CREATE FUNCTION link_devices(
    p_node text, l_device bigint[], l_at bigint[], l_ip text[], l_connection text[],
    g_device bigint[], g_at bigint[], g_connection text[]
  ) RETURNS void LANGUAGE plpgsql AS $fn$
  BEGIN
    -- In one order everywhere; and of two gateways that race for a device the one that commits last has it.
    PERFORM 1 FROM presence WHERE device = ANY (l_device || g_device) ORDER BY device FOR UPDATE;
    UPDATE presence p SET node = p_node, connection = n.connection, activity = greatest(p.activity, n.at),
        last_ip = CASE WHEN p.last_seen > n.at THEN p.last_ip ELSE n.ip END, last_seen = greatest(p.last_seen, n.at),
        -- The clock of the gateway that it left may be ahead of this one's.
        left_at = CASE WHEN p.left_at >= n.at THEN n.at - 1 ELSE p.left_at END
      FROM unnest(l_device, l_at, l_ip, l_connection) AS n (device, at, ip, connection) WHERE p.device = n.device;
    UPDATE presence p SET node = NULL, connection = NULL, left_at = greatest(n.at, p.last_seen)
      FROM unnest(g_device, g_at, g_connection) AS n (device, at, connection)
      WHERE p.device = n.device AND (p.connection IS NULL OR p.connection = n.connection COLLATE "C");
  END $fn$;
  ${appendBatch(
    `,
    l_device bigint[], l_at bigint[], l_ip text[], l_connection text[],
    g_device bigint[], g_at bigint[], g_connection text[]`,
    `    IF array_length(l_device, 1) > 0 OR array_length(g_device, 1) > 0 THEN
      PERFORM link_devices(p_node, l_device, l_at, l_ip, l_connection, g_device, g_at, g_connection);
    END IF;
`,
  ).trim()}
`;
