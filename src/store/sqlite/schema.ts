/** The tables, as a list of migrations: each is run once, in order, in one transaction, and never edited after a release. */
import type { DatabaseSync } from 'node:sqlite';

/** In order; the number of those that were run is the schema's version. */
export const migrations: readonly string[] = [
  /* 1: the foundation */ `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  -- A deleted connector keeps its row, without its id, until what belonged to it is purged.
  CREATE TABLE connectors (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT UNIQUE,
    created INTEGER NOT NULL,
    version INTEGER NOT NULL,
    settings TEXT NOT NULL
  ) STRICT;

  CREATE TABLE devices (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL,
    identity TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    expiry_logged INTEGER NOT NULL,
    locked INTEGER NOT NULL,
    reprovision INTEGER NOT NULL,
    auth_type TEXT,
    provisioned_at INTEGER,
    tags TEXT NOT NULL,
    batch INTEGER,
    last_seen INTEGER,
    last_ip TEXT,
    activity INTEGER NOT NULL,
    phase INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX devices_identity ON devices (connector, identity);
  CREATE INDEX devices_activity ON devices (connector, activity);
  CREATE INDEX devices_created ON devices (connector, created);
  CREATE INDEX devices_phase ON devices (connector, phase, activity);
  CREATE INDEX devices_batch ON devices (batch, phase) WHERE batch IS NOT NULL;
  CREATE INDEX devices_ip ON devices (connector, last_ip, activity) WHERE last_ip IS NOT NULL;
  CREATE INDEX devices_expiring ON devices (expires) WHERE expires IS NOT NULL AND expiry_logged = 0;
  CREATE INDEX devices_purgeable ON devices (connector, expires) WHERE phase = 4 AND provisioned_at IS NULL;

  -- Trigrams of the identities: a search for three or more characters reads few rows of many.
  CREATE VIRTUAL TABLE identities USING fts5 (
    identity, content='', detail=none, tokenize='trigram case_sensitive 1'
  );

  -- Identities of 1,024 neighbouring keys of a connector, as lines (identity-blocks.ts); id = connector * 2^32 + key / 1024.
  CREATE TABLE identity_blocks (id INTEGER PRIMARY KEY, identities TEXT NOT NULL) STRICT;

  CREATE TABLE device_tags (
    connector INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, device INTEGER NOT NULL,
    PRIMARY KEY (connector, name, value, device)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE credentials (
    device INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    type TEXT NOT NULL,
    digest TEXT,
    until INTEGER,
    data TEXT NOT NULL,
    PRIMARY KEY (device, slot)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX credentials_token ON credentials (digest) WHERE type = 'token';
  CREATE UNIQUE INDEX credentials_certificate ON credentials (connector, digest) WHERE type = 'certificate';

  -- The log is the truth. A row is a segment: the events of one connector out of one commit, as JSON (ledger.ts).
  -- "projected" in meta says up to where state, history and the index of events have followed it.
  CREATE TABLE log (
    connector INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    events TEXT NOT NULL,
    PRIMARY KEY (connector, first)
  ) STRICT, WITHOUT ROWID;
  -- Where an identity's events stand in the log, by type; identity '' stands for all, with rare types only.
  -- "seqs" is a JSON list: one row for all that one step brought in.
  CREATE TABLE event_index (
    connector INTEGER NOT NULL, identity TEXT NOT NULL, type INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    seqs TEXT NOT NULL,
    PRIMARY KEY (connector, identity, type, first)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE aliases (
    key INTEGER PRIMARY KEY AUTOINCREMENT, connector INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (connector, name)
  ) STRICT;
  CREATE TABLE state (
    device INTEGER NOT NULL, alias INTEGER NOT NULL,
    set_value TEXT, set_at INTEGER, reported TEXT, reported_at INTEGER,
    PRIMARY KEY (device, alias)
  ) STRICT, WITHOUT ROWID;
  -- History in blocks: the points of one alias that one step brought in and that fall into one span of time (history.ts).
  CREATE TABLE points (
    device INTEGER NOT NULL, alias INTEGER NOT NULL, span INTEGER NOT NULL, step INTEGER NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (device, alias, span, step)
  ) STRICT, WITHOUT ROWID;
  -- Devices that are gone and whose state and history are still to be removed.
  CREATE TABLE remains (device INTEGER PRIMARY KEY) STRICT;

  CREATE TABLE batches (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    who TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    stage TEXT,
    position INTEGER NOT NULL,
    UNIQUE (connector, id)
  ) STRICT;

  CREATE TABLE users (
    id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, role TEXT NOT NULL, password TEXT NOT NULL, created INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE sessions (
    digest TEXT PRIMARY KEY, user TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX sessions_expires ON sessions (expires);
  `,

  /* 2: figures over time */ `
  -- How much of a kind there was in a minute since the epoch (figures.ts). Follows the log, as state and history do.
  CREATE TABLE figures (
    connector INTEGER NOT NULL, minute INTEGER NOT NULL, kind TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (connector, minute, kind)
  ) STRICT, WITHOUT ROWID;

  -- Who is online is counted in the index alone; the key is in it for the order of those with equal times.
  DROP INDEX devices_activity;
  CREATE INDEX devices_activity ON devices (connector, activity, key, last_seen);
  -- Made anew behind it: of indexes that look alike to SQLite it takes the one made last, and these name fewer devices.
  DROP INDEX devices_batch;
  CREATE INDEX devices_batch ON devices (batch, phase) WHERE batch IS NOT NULL;
  DROP INDEX devices_ip;
  CREATE INDEX devices_ip ON devices (connector, last_ip, activity) WHERE last_ip IS NOT NULL;
  `,
  /* 3: live connections, and values on their way to devices */ `
  -- "connected": a connection was open when this was written; a start finds there who was cut off (presence.ts).
  ALTER TABLE devices ADD COLUMN connected INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE devices ADD COLUMN left_at INTEGER;
  CREATE INDEX devices_connected ON devices (key) WHERE connected = 1;
  -- Who is online is still counted in the index alone; the other two as in 2.
  DROP INDEX devices_activity;
  CREATE INDEX devices_activity ON devices (connector, activity, key, last_seen, left_at);
  DROP INDEX devices_batch;
  CREATE INDEX devices_batch ON devices (batch, phase) WHERE batch IS NOT NULL;
  DROP INDEX devices_ip;
  CREATE INDEX devices_ip ON devices (connector, last_ip, activity) WHERE last_ip IS NOT NULL;

  -- What the cloud set and the device has not acknowledged, the newest value of each alias (wanted.ts).
  CREATE TABLE wanted (
    device INTEGER NOT NULL, alias INTEGER NOT NULL, at INTEGER NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (device, alias)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO wanted SELECT device, alias, set_at, set_value FROM state
    WHERE set_value IS NOT NULL AND set_at IS NOT NULL AND (reported_at IS NULL OR set_at > reported_at);
  `,
  /* 4: people, keys, audit */ `
  -- "connectors" is a JSON list, NULL stands for all; "factor" is JSON too (domain/people.ts).
  ALTER TABLE users ADD COLUMN connectors TEXT;
  ALTER TABLE users ADD COLUMN link TEXT;
  ALTER TABLE users ADD COLUMN link_expires INTEGER;
  ALTER TABLE users ADD COLUMN factor TEXT;
  ALTER TABLE users ADD COLUMN subject TEXT;
  CREATE UNIQUE INDEX users_link ON users (link) WHERE link IS NOT NULL;
  CREATE UNIQUE INDEX users_subject ON users (subject) WHERE subject IS NOT NULL;
  ALTER TABLE sessions ADD COLUMN ip TEXT;
  ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
  ALTER TABLE sessions ADD COLUMN proven INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sessions ADD COLUMN used INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX sessions_user ON sessions (user);
  CREATE TABLE keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, connector TEXT, digest TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL, creator TEXT NOT NULL, expires INTEGER, used INTEGER
  ) STRICT, WITHOUT ROWID;

  -- Each entry carries the digest of the one before (domain/audit.ts). Nothing here changes or removes one.
  CREATE TABLE audit (
    seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL
  ) STRICT;
  CREATE TRIGGER audit_kept BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
  CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit BEGIN SELECT raise(ABORT, 'the audit log is only added to'); END;
  `,
  /* 5: certificates by when they end */ `
  -- Beside what lists read of a device anyway; the credential itself is long.
  ALTER TABLE devices ADD COLUMN certificate_ends INTEGER;
  UPDATE devices SET certificate_ends = c.data ->> 'notAfter' FROM credentials c
    WHERE c.device = devices.key AND c.slot = 0 AND c.type = 'certificate';
  CREATE INDEX devices_certificate ON devices (connector, certificate_ends) WHERE certificate_ends IS NOT NULL;
  `,
  /* 6: webhooks, and work on many devices */ `
  -- "hook" is JSON: what people set, how far it is, and its secret, which is encrypted.
  CREATE TABLE webhooks (
    key INTEGER PRIMARY KEY AUTOINCREMENT, connector INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, hook TEXT NOT NULL
  ) STRICT;
  CREATE INDEX webhooks_connector ON webhooks (connector);
  -- The last tries of each.
  CREATE TABLE deliveries (
    webhook INTEGER NOT NULL, number INTEGER NOT NULL, delivery TEXT NOT NULL,
    PRIMARY KEY (webhook, number)
  ) STRICT, WITHOUT ROWID;

  -- "job" is JSON: what is done, by whom, and what came of it so far. "position": the device key, or the place in "targets"
  -- (identities, JSON), up to which that is; while it is being undone, the device key in job_changes. "last": no device of
  -- a higher key belongs to it.
  CREATE TABLE jobs (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL,
    id TEXT NOT NULL,
    open INTEGER NOT NULL,
    position INTEGER NOT NULL,
    last INTEGER NOT NULL,
    filter TEXT,
    targets TEXT,
    finished INTEGER,
    job TEXT NOT NULL,
    UNIQUE (connector, id)
  ) STRICT;
  CREATE INDEX jobs_open ON jobs (key) WHERE open = 1;
  CREATE INDEX jobs_finished ON jobs (finished) WHERE finished IS NOT NULL;
  -- What devices had before a job changed them (JSON), for undoing it.
  CREATE TABLE job_changes (
    job INTEGER NOT NULL, device INTEGER NOT NULL, identity TEXT NOT NULL, before TEXT NOT NULL,
    PRIMARY KEY (job, device)
  ) STRICT, WITHOUT ROWID;
  `,
  /* 7: content */ `
  -- Files for devices; their bytes are in the folder beside, by digest (content-files.ts). "listed": sent by people, or offered.
  CREATE TABLE content (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    meta TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    who TEXT,
    device TEXT,
    offer TEXT NOT NULL,
    rollout TEXT,
    listed INTEGER NOT NULL,
    UNIQUE (connector, id)
  ) STRICT;
  CREATE INDEX content_sha256 ON content (sha256, bytes);
  CREATE INDEX content_listed ON content (connector, id) WHERE listed = 1;
  CREATE INDEX content_device ON content (connector, device) WHERE device IS NOT NULL;
  CREATE INDEX content_rollout ON content (connector, id) WHERE rollout IS NOT NULL;
  -- Who fetched what, of the version that it last began to fetch.
  CREATE TABLE content_fetches (
    content INTEGER NOT NULL, device INTEGER NOT NULL, identity TEXT NOT NULL, sha256 TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL, times INTEGER NOT NULL, completed INTEGER,
    PRIMARY KEY (content, device)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX content_fetches_last ON content_fetches (content, last);
  -- Files that are gone and of which it is still to be forgotten who fetched them.
  CREATE TABLE content_remains (content INTEGER PRIMARY KEY) STRICT;

  -- New settings and types of events; whoever looks at files from devices looks at these too.
  UPDATE connectors SET settings = json_set(settings, '$.content', json('{"device_upload":false,"device_upload_bytes":1048576}'));
  UPDATE connectors SET settings = json_insert(json_insert(settings, '$.events.types[#]', 'content_out'), '$.events.types[#]', 'rollout')
    WHERE EXISTS (SELECT 1 FROM json_each(settings, '$.events.types') WHERE value = 'content_in');
  `,
  /* 8: changes of devices */ `
  -- What commits changed of devices and their rows do not have yet, as JSON (changes.ts).
  CREATE TABLE changes (number INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;
  `,
  /* 9: room for files of devices */ `
  -- What the files that devices of a connector sent take together: of each its bytes, or a block of a disk.
  CREATE TABLE content_sent (connector INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;
  INSERT INTO content_sent SELECT connector, sum(max(bytes, 4096)) FROM content WHERE device IS NOT NULL GROUP BY connector;
  CREATE TRIGGER content_sent_more AFTER INSERT ON content WHEN new.device IS NOT NULL BEGIN
    INSERT INTO content_sent VALUES (new.connector, max(new.bytes, 4096)) ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes;
  END;
  CREATE TRIGGER content_sent_less AFTER DELETE ON content WHEN old.device IS NOT NULL BEGIN
    UPDATE content_sent SET bytes = bytes - max(old.bytes, 4096) WHERE connector = old.connector;
    DELETE FROM content_sent WHERE connector = old.connector AND bytes = 0;
  END;
  CREATE TRIGGER content_sent_other AFTER UPDATE OF bytes ON content WHEN new.device IS NOT NULL BEGIN
    UPDATE content_sent SET bytes = bytes + max(new.bytes, 4096) - max(old.bytes, 4096) WHERE connector = new.connector;
  END;

  UPDATE connectors SET settings = json_set(settings, '$.content.device_upload_total_bytes', 1073741824);
  `,
];

/** Brings the schema up to date. Throws if the file was written by a newer version. `steps`: fewer make an older one. */
export function migrate(db: DatabaseSync, steps = migrations): void {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number };
  if (version > steps.length) {
    throw new Error(
      `The database has schema ${version}; this version of Slipway knows ${steps.length}. Upgrade Slipway.`,
    );
  }
  for (const [at, sql] of steps.entries()) {
    if (at < version) continue;
    db.exec(`BEGIN IMMEDIATE; ${sql}; PRAGMA user_version = ${at + 1}; COMMIT`);
  }
}
