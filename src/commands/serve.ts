/** `slipway serve`: runs the server until it is told to stop, and says how to use it. */
import { makeConnectorId } from '../api/connectors.ts';
import { loadConfig, unknownSettings } from '../config.ts';
import { defaultSettings } from '../domain/connector.ts';
import { createLogger, type Logger } from '../log.ts';
import { type Server, startServer } from '../server.ts';

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
  const starting = startServer(config, logger, die);
  const signals = stopOnSignal(starting, logger);
  const server = await starting;
  if (signals.came) return;
  const connector = await firstConnector(server);
  logger.info('listening', {
    https: server.httpsPort,
    http: server.httpPort,
    mqtt: server.mqttPort,
    mqttTcp: server.mqttTcpPort,
    console: server.consolePort,
    data: config.data,
    ca: server.caPath,
    connector,
    url: server.deviceUrl(connector),
    api: consoleUrl(server),
    account: config.adminEmail,
    try: tryIt(server, connector),
  });
  if (process.stdout.isTTY || server.adminPassword !== null) {
    process.stdout.write(banner(server, config.adminEmail, connector));
  }
}

/** A first start makes a connector, so that what the banner shows works as pasted. */
async function firstConnector({ store, clock }: Server): Promise<string> {
  const [first] = await store.listConnectors();
  if (first !== undefined) return first.id;
  const id = makeConnectorId();
  await store.createConnector({ id, created: clock(), version: 1, settings: defaultSettings('Tutorial') });
  return id;
}

const consoleUrl = ({ consolePort }: Server) => `http://localhost:${consolePort}`;

/** Leads to where the first password is replaced by one of the reader's own. What follows # stays in the browser. */
const firstLink = (server: Server, email: string, password: string) =>
  `${consoleUrl(server)}/welcome#${encodeURIComponent(email)}:${encodeURIComponent(password)}`;

/** Works as pasted. */
function tryIt({ caPath, deviceUrl }: Server, connector: string): string {
  const ca = caPath === null ? '' : ` --cacert ${caPath}`;
  return `curl${ca} ${deviceUrl(connector)}/timestamp`;
}

function banner(server: Server, email: string, connector: string): string {
  const signIn =
    server.adminPassword === null
      ? `${email}, with the password that was set at the first start`
      : `${email}, password ${server.adminPassword} (shown this once)`;
  const first =
    server.adminPassword === null ? '' : `  Your own         ${firstLink(server, email, server.adminPassword)}\n`;
  return `
Slipway is serving.

  Console          ${consoleUrl(server)}
  Sign in          ${signIn}
${first}  Management API   ${consoleUrl(server)}/api/docs
  Connector        ${server.deviceUrl(connector)}
                   ${server.mqttUrl(connector)}

Try it:

  ${tryIt(server, connector)}

`;
}

/** A signal that comes while it starts stops it as soon as it has. */
function stopOnSignal(starting: Promise<Server>, logger: Logger): { readonly came: boolean } {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    logger.info('stopping', { signal });
    setTimeout(() => {
      logger.error('could not stop in time');
      process.exit(1);
    }, STOP_WITHIN).unref();
    const closed = starting.then((server) => server.close());
    closed.then(
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
