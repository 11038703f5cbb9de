/** `slipway serve`: runs the server until it is told to stop, and says how to use it. */
import { makeConnectorId } from '../api/connectors.ts';
import { loadConfig } from '../config.ts';
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
  const server = await startServer(config, logger, die);
  const connector = await firstConnector(server);
  logger.info('listening', {
    https: server.httpsPort,
    http: server.httpPort,
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
  stopOnSignal(server, logger);
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
  return `
Slipway is serving.

  Management API   ${consoleUrl(server)}/api/docs
  Sign in          ${signIn}
  Connector        ${server.deviceUrl(connector)}

Try it:

  ${tryIt(server, connector)}

`;
}

function stopOnSignal(server: Server, logger: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) return;
    stopping = true;
    logger.info('stopping', { signal });
    setTimeout(() => {
      logger.error('could not stop in time');
      process.exit(1);
    }, STOP_WITHIN).unref();
    server.close().then(
      () => process.exit(0),
      (error) => {
        logger.error('stopping failed', { error });
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
