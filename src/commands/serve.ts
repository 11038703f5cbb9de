/** `slipway serve`: runs the server until it is told to stop, and says how to use it. */
import { makeConnectorId } from '../api/connectors.ts';
import { type Config, loadConfig, unknownSettings } from '../config.ts';
import { defaultSettings } from '../domain/connector.ts';
import { AppError } from '../domain/errors.ts';
import { createLogger, type Logger } from '../log.ts';
import { type Server, startServer } from '../server.ts';
import { isChild, report, startProcesses } from './processes.ts';

/** running.md: SIGTERM ends in exit 0 within 10 s. */
const STOP_WITHIN = 9_500;

export async function run(flags: readonly string[]): Promise<void> {
  const config = loadConfig(process.env, flags);
  const logger = createLogger(config.log, process.stdout);
  const die = (error: Error): void => {
    logger.error('the server ends here', { error });
    process.exit(1);
  };
  process.on('uncaughtException', die);
  // Whatever it makes, the database above all, is for its own account alone.
  process.umask(0o077);
  for (const name of unknownSettings(process.env)) logger.warn('there is no such setting; it is ignored', { name });
  if (config.processes > 1 && !isChild) return runSeveral(config, flags, logger);
  const starting = startServer(config, logger, die);
  const signals = stopOnSignal(async () => (await starting).close(), logger);
  const server = await starting;
  if (signals.came) return;
  const facts = factsOf(server, config, await firstConnector(server));
  if (isChild) report(facts);
  else announce(facts, logger);
}

/** The first of them speaks for all. */
async function runSeveral(config: Config, flags: readonly string[], logger: Logger): Promise<void> {
  const starting = startProcesses<Facts>(config, flags, logger);
  const stop = async () => {
    if (!(await (await starting).stop())) throw new Error('A process did not end in order');
  };
  const signals = stopOnSignal(stop, logger);
  const { reports } = await starting;
  if (signals.came) return;
  const password = reports.find(({ password }) => password !== null)?.password ?? null;
  announce({ ...reports[0]!, password }, logger);
}

/** What a server says of itself once it serves. */
interface Facts {
  readonly https: number;
  readonly http: number | null;
  readonly mqtt: number | null;
  readonly mqttTcp: number | null;
  readonly console: number;
  readonly data: string;
  readonly ca: string | null;
  readonly connector: string;
  readonly url: string;
  readonly mqttUrl: string;
  readonly api: string;
  readonly account: string;
  /** Works as pasted. */
  readonly try: string;
  /** Made just now: to be shown this once, and not in the log. */
  readonly password: string | null;
}

function factsOf(server: Server, config: Config, connector: string): Facts {
  const url = server.deviceUrl(connector);
  return {
    https: server.httpsPort,
    http: server.httpPort,
    mqtt: server.mqttPort,
    mqttTcp: server.mqttTcpPort,
    console: server.consolePort,
    data: config.data,
    ca: server.caPath,
    connector,
    url,
    mqttUrl: server.mqttUrl(connector),
    api: `http://localhost:${server.consolePort}`,
    account: config.adminEmail,
    try: `curl${server.caPath === null ? '' : ` --cacert ${server.caPath}`} ${url}/timestamp`,
    password: server.adminPassword,
  };
}

function announce(facts: Facts, logger: Logger): void {
  const { password, ...shown } = facts;
  logger.info('listening', shown);
  if (process.stdout.isTTY || password !== null) process.stdout.write(banner(facts));
}

/** A first start makes a connector, so that what the banner shows works as pasted. */
async function firstConnector({ store, keep, clock }: Server): Promise<string> {
  const [first] = await store.listConnectors();
  if (first !== undefined) return first.id;
  // Servers that start at the same time make the same one.
  const id = await keep('first connector', makeConnectorId());
  const told = { who: 'configuration', from: null, action: 'createConnector', target: `connectors/${id}` };
  const name = 'Tutorial';
  const created = clock();
  await store
    .createConnector(
      { id, created, version: 1, settings: defaultSettings(name) },
      { ...told, timestamp: created, before: null, after: { name } },
    )
    .catch(unlessThere);
  return id;
}

/** For what another server may have made at the same time. */
function unlessThere(error: unknown): void {
  if (!(error instanceof AppError && error.code === 'STATE_CONFLICT')) throw error;
}

/** Leads to where the first password is replaced by one of the reader's own. What follows # stays in the browser. */
const firstLink = ({ api, account }: Facts, password: string) =>
  `${api}/welcome#${encodeURIComponent(account)}:${encodeURIComponent(password)}`;

function banner(facts: Facts): string {
  const { account, password, api } = facts;
  const signIn =
    password === null
      ? `${account}, with the password that was set at the first start`
      : `${account}, password ${password} (shown this once)`;
  const first = password === null ? '' : `  Your own         ${firstLink(facts, password)}\n`;
  return `
Slipway is serving.

  Console          ${api}
  Sign in          ${signIn}
${first}  Management API   ${api}/api/docs
  Connector        ${facts.url}
                   ${facts.mqttUrl}

Try it:

  ${facts.try}

`;
}

/** A signal that comes while it starts stops it as soon as it has. */
function stopOnSignal(close: () => Promise<unknown>, logger: Logger): { readonly came: boolean } {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    logger.info('stopping', { signal });
    setTimeout(() => {
      logger.error('could not stop in time');
      process.exit(1);
    }, STOP_WITHIN).unref();
    close().then(
      () => process.exit(0),
      (error) => {
        logger.error('stopping failed', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  return {
    get came() {
      return stopping;
    },
  };
}
