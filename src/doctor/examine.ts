/** Looks at everything that can be told of an installation on this machine, whether its server runs or not. Changes nothing. */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, ConfigError, loadConfig, unknownSettings } from '../config.ts';
import { judgeDates, judgePair } from './certificates.ts';
import { lookAtClock } from './clock.ts';
import { type Looked, lookAtPostgres, lookAtSqlite } from './database.ts';
import { type Finding, fault, look, ok, warning } from './finding.ts';
import { lookAtFolder, lookForMove } from './folder.ts';
import { lookAtPort, type Port } from './ports.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** In the order in which they are best read. */
export async function examine(env: Environment, flags: readonly string[]): Promise<Finding[]> {
  let config: Config;
  try {
    config = loadConfig(env, flags);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [fault('configuration', error.message, 'Set it right; everything else depends on it.')];
  }
  const database = await lookAtDatabase(config);
  const certificate = await serverCertificate(config);
  return [
    ...configuration(config, env),
    ...(await look('data folder', () => lookAtFolder(config.data))),
    ...(config.databaseUrl === null ? await look('data folder', () => lookForMove(config.data)) : []),
    ...database.findings,
    ...(await look('certificate of the server', () => certificates(config))),
    ...database.connectors.flatMap(({ id, settings }) => clientCas(id, settings)),
    ...(await look('clock', async () => lookAtClock(database.newest, await released()))),
    ...(await Promise.all(portsOf(config).map((port) => lookAtPort(port, certificate)))),
  ];
}

function configuration({ consoleHost, consoleInsecure, adminPassword, domain }: Config, env: Environment): Finding[] {
  const bad = unknownSettings(env).map((name) =>
    warning('configuration', `there is no setting ${name}`, 'See slipway serve --help.'),
  );
  if (consoleInsecure) {
    const seen = `the console is served on ${consoleHost} without TLS`;
    bad.push(warning('configuration', seen, 'Only behind a proxy that adds TLS, on a network that nobody else is on.'));
  }
  if (adminPassword !== null) {
    const todo = 'Leave it out once the account is made: it has the last word at each start.';
    bad.push(warning('configuration', 'SLIPWAY_ADMIN_PASSWORD is set', todo));
  }
  return bad.length > 0 ? bad : [ok('configuration', `connectors at <id>.m2.${domain}`)];
}

async function lookAtDatabase({ databaseUrl, data }: Config): Promise<Looked> {
  try {
    return databaseUrl === null ? lookAtSqlite(data) : await lookAtPostgres(databaseUrl);
  } catch (error) {
    const finding = fault('database', (error as Error).message, 'See to what the message names.');
    return { findings: [finding], connectors: [], newest: null };
  }
}

const readIfThere = (file: string) => readFile(file, 'utf8').catch(() => null);

async function certificates({ tlsCert, tlsKey, data, domain }: Config): Promise<Finding[]> {
  const now = new Date();
  if (tlsCert !== null && tlsKey !== null) {
    return judgePair(await readFile(tlsCert, 'utf8'), await readFile(tlsKey, 'utf8'), domain, now);
  }
  const [ca, key, server] = await Promise.all(
    ['ca.pem', 'ca-key.pem', 'server.pem'].map((name) => readIfThere(join(data, 'ca', name))),
  );
  if (ca == null) return [ok('local CA', 'there is none yet; the first start makes it')];
  const findings = [judgeDates('local CA', ca, 'localCa', 'Devices pin it: plan how they get another one.', now)];
  if (key == null) {
    findings.push(
      fault(
        'local CA',
        'its key is missing',
        'Restore ca/ca-key.pem from a backup: the server does not start without.',
      ),
    );
  }
  if (server != null) {
    const renewal = 'A running server renews it 30 days before its end: see its log for why it did not.';
    findings.push(judgeDates('certificate of the server', server, 'server', renewal, now));
  }
  return findings;
}

/** SHA-256 fingerprint; null where there is none yet. */
async function serverCertificate({ tlsCert, data }: Config): Promise<string | null> {
  const pem = await readIfThere(tlsCert ?? join(data, 'ca', 'server.pem'));
  try {
    return pem === null ? null : new X509Certificate(pem).fingerprint256;
  } catch {
    return null;
  }
}

/** The CAs whose certificates devices of a connector may have. */
function clientCas(id: string, settings: string): Finding[] {
  const { name, pki } = JSON.parse(settings) as { name: string; pki: { enabled: boolean; client_ca: string[] } };
  if (!pki.enabled) return [];
  return pki.client_ca.map((pem, at) => {
    const subject = `client CA ${at + 1} of ${JSON.stringify(name)} (${id})`;
    return judgeDates(
      subject,
      pem,
      'clientCa',
      'Devices with its certificates are refused from then on: add its successor.',
      new Date(),
    );
  });
}

/** When this version was put here, at the latest; ms. */
async function released(): Promise<number> {
  return (await stat(new URL('../../package.json', import.meta.url))).mtimeMs - 86_400_000;
}

function portsOf(config: Config): Port[] {
  const { host, httpsPort, httpPort, mqttPort, mqttTcpPort, consoleHost, consolePort } = config;
  const local = '127.0.0.1';
  return [
    { name: 'HTTPS for devices', setting: 'SLIPWAY_HTTPS_PORT', host, port: httpsPort, kind: 'tls' },
    { name: 'MQTT for devices', setting: 'SLIPWAY_MQTT_PORT', host, port: mqttPort, kind: 'tls' },
    ...(httpPort === null
      ? []
      : [{ name: 'plain HTTP', setting: 'SLIPWAY_HTTP_PORT', host: local, port: httpPort, kind: 'http' } as const]),
    ...(mqttTcpPort === null
      ? []
      : [
          {
            name: 'plain MQTT',
            setting: 'SLIPWAY_MQTT_TCP_PORT',
            host: local,
            port: mqttTcpPort,
            kind: 'other',
          } as const,
        ]),
    { name: 'console', setting: 'SLIPWAY_CONSOLE_PORT', host: consoleHost, port: consolePort, kind: 'http' },
  ];
}
