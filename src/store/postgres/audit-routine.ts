/** The routine that adds to the audit log, whoever writes: one chain for all gateways (domain/audit.ts says what of). */
export const auditRoutine = `
  -- The lock is the one of write_log: mostly it is held already, and there is one order in which locks are taken.
  CREATE FUNCTION write_audit(p_entries text[]) RETURNS bigint LANGUAGE plpgsql AS $fn$
  DECLARE
    v_seq bigint;
    v_previous text;
    v_digest text;
    v_entry text;
  BEGIN
    IF coalesce(array_length(p_entries, 1), 0) = 0 THEN RETURN NULL; END IF;
    PERFORM pg_advisory_xact_lock(5519, 1);
    SELECT seq, digest INTO v_seq, v_digest FROM audit ORDER BY seq DESC LIMIT 1;
    FOREACH v_entry IN ARRAY p_entries LOOP
      v_seq := coalesce(v_seq, 0) + 1;
      v_previous := coalesce(v_digest, repeat('0', 64));
      v_digest := encode(sha256(convert_to(v_previous || E'\\n' || v_seq || E'\\n' || v_entry, 'UTF8')), 'hex');
      INSERT INTO audit VALUES (v_seq, v_entry, v_previous, v_digest);
    END LOOP;
    RETURN v_seq;
  END $fn$;
`;
