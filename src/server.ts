/** The only file that knows everything: config → store → rules → doors. Starts them in order and stops them in reverse. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createApi } from './api/app.ts';
import { isSealed } from './api/factor.ts';
import { ensureAdmin } from './api/first-account.ts';
import { createSeal, SEAL_BYTES, type Seal } from './api/seal.ts';
import { createClock } from './clock.ts';
import { type Config, ConfigError } from './config.ts';
import { buildConsole } from './console/build.ts';
import { createFile } from './durable-file.ts';
import { startHouseKeeping } from './events/house-keeping.ts';
import { startJobs } from './events/jobs.ts';
import { startRollouts } from './events/rollouts.ts';
import { purposeOf } from './events/webhooks/run.ts';
import { startWebhooks } from './events/webhooks/start.ts';
import { createAdmission } from './gateway/admission.ts';
import { createDeviceContent } from './gateway/content.ts';
import { createDeviceData } from './gateway/data.ts';
import { openDirectory } from './gateway/directory.ts';
import { createFailures } from './gateway/failures.ts';
import { createHttpDoor } from './gateway/http/door.ts';
import { createWaiting } from './gateway/http/waiting.ts';
import { createMqttDoor } from './gateway/mqtt/door.ts';
import { createSessions } from './gateway/sessions.ts';
import type { Identity } from './gateway/tls/options.ts';
import { openServerIdentity } from './gateway/tls/server-identity.ts';
import type { Logger } from './log.ts';
import { watchEventLoop } from './metrics/event-loop.ts';
import { counter, type Family, gauge } from './metrics/figure.ts';
import { openPostgresStore } from './store/postgres/index.ts';
import { openSqliteStore } from './store/sqlite/index.ts';
import { readMoved } from './store/sqlite/moved.ts';
import type { Store } from './store/store.ts';
import { version } from './version.ts';

/** ms that callers of the management API have for what is under way. */
const API_GRACE = 3_000;
/** ms that devices have to take their last answers when the server stops. */
const GRACE = 4_000;

export interface Server {
  readonly store: Store;
  /** Keeps a text for all servers of the installation unless there is one of this name; answers what is kept. */
  readonly keep: (name: string, content: string) => Promise<string>;
  readonly clock: () => number;
  readonly httpsPort: number;
  readonly httpPort: number | null;
  readonly mqttPort: number;
  readonly mqttTcpPort: number | null;
  readonly consolePort: number;
  /** PEM file of the CA that devices have to trust; null with an own certificate. */
  readonly caPath: string | null;
  /** Made at random at the first start; null if it was given or made earlier. */
  readonly adminPassword: string | null;
  deviceUrl(connector: string): string;
  mqttUrl(connector: string): string;
  /** Stops accepting, finishes what is under way, closes storage. */
  close(): Promise<void>;
}

/** Starts everything. `onFatal` is called when the process cannot go on; what is rejected leaves nothing running. */
export async function startServer(config: Config, logger: Logger, onFatal: (error: Error) => void): Promise<Server> {
  /** What was started, to be stopped in reverse. */
  const started: (() => Promise<unknown> | unknown)[] = [];
  const stop = async () => {
    for (const close of started.splice(0).reverse()) await close();
  };
  try {
    const clock = createClock();
    const passing = (error: Error) => logger.warn(error.message, { cause: error.cause });
    const { store, keep } = await openStore(config, onFatal, passing);
    started.push(() => store.close());
    started.push(startHouseKeeping(store, clock, logger));
    started.push(startRollouts(store, clock, logger));
    const seal = createSeal(Buffer.from(await sealKey(config, keep), 'hex'));
    await warnOfSealed(store, seal, logger);
    started.push(startJobs(store, clock, logger));
    started.push(startWebhooks({ store, seal, clock, logger, allowed: config.webhookAllow }));

    const directory = await openDirectory(store, logger);
    const sessions = createSessions(store);
    const waiting = createWaiting(store);
    sessions.onDrop(waiting.drop);
    const admission = createAdmission({ store, directory, sessions, failures: createFailures(), clock, logger });
    const { domain, requestTimeout, idleTimeout } = config;
    // Several processes share the ports; a single one is to notice that its port is taken.
    const reusePort = config.processes > 1;
    const data = createDeviceData(store, directory, clock);
    const content = createDeviceContent({ store, directory, clock, logger, totalBytes: config.contentTotalBytes });
    sessions.onDrop(content.drop);
    const door = createHttpDoor({
      admission,
      data,
      content,
      directory,
      waiting,
      clock,
      domain,
      requestTimeout,
      idleTimeout,
      reusePort,
      logger,
    });
    const mqtt = createMqttDoor({ admission, data, directory, clock, store, sessions, domain, reusePort, logger });
    started.push(() => {
      waiting.stop();
      return Promise.all([door.close(GRACE), mqtt.close(GRACE)]);
    });

    const setIdentity = (identity: Identity) => {
      door.setIdentity(identity);
      mqtt.setIdentity(identity);
    };
    const identity = await openServerIdentity(identitySource(config, keep), setIdentity, logger).catch(
      config.tlsCert === null ? cannotUse('SLIPWAY_DATA', config.data) : cannotUse('SLIPWAY_TLS_CERT', config.tlsCert),
    );
    started.push(() => identity.close());
    const httpsPort = await door
      .listenTls(identity.current, config.host, config.httpsPort)
      .catch(cannotUse('SLIPWAY_HTTPS_PORT', config.httpsPort));
    const httpPort =
      config.httpPort === null
        ? null
        : await door.listenPlain(config.httpPort).catch(cannotUse('SLIPWAY_HTTP_PORT', config.httpPort));
    const mqttPort = await mqtt
      .listenTls(identity.current, config.host, config.mqttPort)
      .catch(cannotUse('SLIPWAY_MQTT_PORT', config.mqttPort));
    const mqttTcpPort =
      config.mqttTcpPort === null
        ? null
        : await mqtt.listenPlain(config.mqttTcpPort).catch(cannotUse('SLIPWAY_MQTT_TCP_PORT', config.mqttTcpPort));
    const mqttUrl = (connector: string) => `mqtts://${connector}.m2.${domain}:${mqttPort}`;
    const deviceUrl = (connector: string) => {
      const port = httpsPort === 443 ? '' : `:${httpsPort}`;
      return `https://${connector}.m2.${domain}${port}`;
    };

    const { caPath } = identity;
    const ca = caPath === null ? null : await readFile(caPath, 'utf8');
    const eventLoop = watchEventLoop();
    started.push(eventLoop.close);
    const figures = (): Family[] => [
      counter(
        'slipway_devices_provisioned_total',
        'Devices that were provisioned, by what they got',
        Object.entries(admission.provisioned()).map(([auth, n]) => [{ auth }, n]),
      ),
      gauge('slipway_long_polls', 'Long polls that wait', waiting.size),
      certificateEnds({ server: identity.current.cert, ca }),
      ...eventLoop.families(),
    ];
    const pages = buildConsole(logger);
    pages.catch((error) => logger.error('the console could not be built', { error }));
    const deps = {
      store,
      config,
      clock,
      logger,
      version,
      deviceUrl,
      mqttPort,
      caPath,
      seal,
      doors: [door, mqtt],
      figures,
    };
    const api = createApi(deps, { console: pages });
    // An import under way takes longer than a stop may: closing the store ends it, and the next start finishes it.
    let apiClosed: Promise<unknown> | null = null;
    started.unshift(() => apiClosed);
    started.push(() => {
      apiClosed = api.close();
      return Promise.race([apiClosed, delay(API_GRACE)]);
    });
    await api
      .listen({ host: config.consoleHost, port: config.consolePort, reusePort } as { port: number })
      .catch(cannotUse('SLIPWAY_CONSOLE_PORT', config.consolePort));
    const consolePort = (api.server.address() as { port: number }).port;
    // Last, since its password is shown once: a start that fails before must not have made it.
    const { password: adminPassword } = await ensureAdmin(store, config);
    const ports = { httpsPort, httpPort, mqttPort, mqttTcpPort, consolePort };
    return { store, keep, clock, ...ports, caPath, adminPassword, deviceUrl, mqttUrl, close: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The engine that the configuration names. On one machine whatever is offered is kept: nobody else can have come first. */
async function openStore(
  { databaseUrl, data }: Config,
  fatal: (error: Error) => void,
  passing: (error: Error) => void,
): Promise<Pick<Server, 'store' | 'keep'>> {
  if (databaseUrl === null) {
    const store = await openSqliteStore({ folder: data, failures: { fatal, passing } }).catch(
      cannotUse('SLIPWAY_DATA', data),
    );
    // Now that the folder is locked: the end of a move leaves its mark before it gives the lock back.
    const moved = await readMoved(data);
    if (moved !== null) {
      await store.close();
      cannotUse('SLIPWAY_DATA', data)(new Error(moved));
    }
    return { store, keep: async (_, content) => content };
  }
  const { host, pathname } = new URL(databaseUrl);
  const store = await openPostgresStore({ url: databaseUrl, passing }).catch(
    cannotUse('SLIPWAY_DATABASE_URL', `postgres://…@${host}${pathname}`),
  );
  return { store, keep: store.keep };
}

/** What secrets that have to be read again are encrypted with: a file of its own, or where all nodes find it. */
function sealKey({ databaseUrl, data }: Config, keep: Server['keep']): Promise<string> {
  const made = randomBytes(SEAL_BYTES).toString('hex');
  return databaseUrl === null ? createFile(join(data, 'seal.key'), made, 0o600) : keep('seal', made);
}

/** A key that was lost is made anew without a word; here is what it does not open. */
async function warnOfSealed(store: Store, seal: Seal, logger: Logger): Promise<void> {
  const factors = (await store.listUsers()).filter((user) => isSealed(seal, user)).map(({ email }) => email);
  const hooks = (await store.listWebhooks()).filter(({ id, secret }) => seal.open(purposeOf(id), secret) === null);
  if (factors.length === 0 && hooks.length === 0) return;
  logger.warn('the key does not open secrets that are stored: put seal.key of a backup in its place', {
    second_factors: factors,
    webhooks: hooks.map(({ id }) => id),
  });
}

/** For what rejects because a setting cannot be used: names it. */
function cannotUse(setting: string, value: string | number): (error: Error) => never {
  return (error) => {
    throw new ConfigError(`${setting} is ${JSON.stringify(value)}, which cannot be used: ${error.message}.`, {
      cause: error,
    });
  };
}

/** PEM texts by what they are for. */
function certificateEnds(certificates: Readonly<Record<string, string | null>>): Family {
  return gauge(
    'slipway_certificate_expiry_timestamp_seconds',
    'When the certificate of the device ports, and the local CA that signed it, end; seconds since the epoch',
    Object.entries(certificates).flatMap(([certificate, pem]) =>
      pem === null ? [] : [[{ certificate }, new X509Certificate(pem).validToDate.getTime() / 1000] as const],
    ),
  );
}

function identitySource(
  { tlsCert, tlsKey, data, domain }: Config,
  keep: Server['keep'],
): Parameters<typeof openServerIdentity>[0] {
  if (tlsCert !== null && tlsKey !== null) return { certFile: tlsCert, keyFile: tlsKey, domain };
  return { folder: join(data, 'ca'), domain, keep: (ca) => keep('ca', ca) };
}
