/** The routines of work in the background, each one call and one commit (routines.ts): a step of a job, a noted delivery. */
export const workRoutines = `
  -- The devices that a step changes, as change_devices takes them, together with how far the job is. Answers {} when all is
  -- written; {"moved":true} where the job has changed since it was read, or what change_devices refuses: nothing is written.
  CREATE FUNCTION job_step(
    p_id uuid, p_node text, p_signals text,
    e_connector bigint[], e_device bigint[], e_identity text[], e_type text[], e_ip text[], e_protocol text[],
    e_timestamp bigint[], e_connection text[], e_payload text[],
    f_connector bigint[], f_minute bigint[], f_kind text[], f_n bigint[],
    p_connectors bigint[], p_seen json, p_devices json, p_removed bigint[],
    p_retagged bigint[], p_tags json, p_recredited bigint[], p_credentials json,
    p_job bigint, p_version bigint, p_position bigint, p_open boolean, p_finished bigint, p_text text,
    b_device bigint[], b_identity text[], b_before text[]
  ) RETURNS json LANGUAGE plpgsql AS $fn$
  DECLARE
    v_refused json;
  BEGIN
    PERFORM 1 FROM jobs WHERE key = p_job AND version = p_version FOR UPDATE;
    IF NOT FOUND THEN RETURN '{"moved":true}'; END IF;
    v_refused := change_devices(p_id, p_node, p_signals, e_connector, e_device, e_identity, e_type, e_ip, e_protocol,
      e_timestamp, e_connection, e_payload, f_connector, f_minute, f_kind, f_n, p_connectors, p_seen, p_devices, p_removed,
      p_retagged, p_tags, p_recredited, p_credentials);
    IF v_refused::text <> '{}' THEN RETURN v_refused; END IF;
    UPDATE jobs SET version = version + 1, position = p_position, open = p_open, finished = p_finished, job = p_text
      WHERE key = p_job;
    INSERT INTO job_changes SELECT p_job, * FROM unnest(b_device, b_identity, b_before) ON CONFLICT DO NOTHING;
    RETURN v_refused;
  END $fn$;

  -- How far a webhook is, and the try that it comes of (null for none), of which so many are kept. False, and nothing is
  -- written, for another generation of it, or where another node has the lease.
  CREATE FUNCTION note_delivery(p_id text, p_generation bigint, p_node text, p_hook text, p_delivery text, p_kept bigint)
    RETURNS boolean LANGUAGE plpgsql AS $fn$
  DECLARE
    v_key bigint;
    v_number bigint;
  BEGIN
    UPDATE webhooks SET hook = p_hook, version = version + 1 WHERE id = p_id AND generation = p_generation
      AND EXISTS (SELECT 1 FROM leases WHERE name = 'webhook ' || p_id AND holder = p_node) RETURNING key INTO v_key;
    IF v_key IS NULL THEN RETURN false; END IF;
    IF p_delivery IS NOT NULL THEN
      SELECT coalesce(max(number), 0) + 1 INTO v_number FROM deliveries WHERE webhook = v_key;
      INSERT INTO deliveries VALUES (v_key, v_number, p_delivery);
      DELETE FROM deliveries WHERE webhook = v_key AND number <= v_number - p_kept;
    END IF;
    RETURN true;
  END $fn$;
`;
