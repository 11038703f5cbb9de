/** The command line: picks a command and turns what it throws into an exit code. */
import { ConfigError, configHelp } from './config.ts';
import { simulateHelp } from './simulator/flags.ts';

const commands: Readonly<Record<string, () => Promise<{ run(flags: readonly string[]): Promise<void> }>>> = {
  serve: () => import('./commands/serve.ts'),
  migrate: () => import('./commands/migrate.ts'),
  simulate: () => import('./commands/simulate.ts'),
  audit: () => import('./commands/audit.ts'),
};

const usage = `Usage: slipway <command> [flags]

  serve     run the server
  migrate   --from sqlite --to postgres://…: move an installation into an empty database, while its server runs
  simulate  run a fleet of made-up devices against any Slipway
  audit     verify: follow the chain of the audit log and name the first entry that does not fit

Flags of serve, each also an environment variable (--https-port = SLIPWAY_HTTPS_PORT):
${configHelp()}

Flags of simulate:
${simulateHelp}
`;

const [name = '', ...flags] = process.argv.slice(2);
if ([name, ...flags].some((word) => word === '--help' || word === '-h') || name === 'help') {
  process.stdout.write(usage);
} else if (Object.hasOwn(commands, name)) {
  const command = await commands[name]!();
  await command.run(flags).catch((error) => {
    process.stderr.write(error instanceof ConfigError ? `${error.message}\n` : `${error?.stack ?? error}\n`);
    process.exitCode = 1;
  });
} else {
  process.stderr.write(`${name === '' ? 'No command given' : `Unknown command ${JSON.stringify(name)}`}.\n\n${usage}`);
  process.exitCode = 2;
}
