/** The commands, as data: what `slipway --help`, the completions and main.ts know of them comes from here. */
import { configFlags } from '../config.ts';
import { simulateFlags } from '../simulator/flags.ts';
import type { Command, Flag } from './command.ts';
import { completionFor, shells } from './completion.ts';

const json: Flag = { name: 'json', about: 'print JSON' };
const data: Flag = { name: 'data', value: 'FOLDER', about: 'the data folder (SLIPWAY_DATA, ./data)', file: true };
const yes: Flag = { name: 'yes', about: 'do not ask' };
/** Of commands that call a server. */
const calling: readonly Flag[] = [
  json,
  { name: 'insecure', about: 'send the credential to a server beyond this machine without TLS' },
];
const connector: Flag = {
  name: 'connector',
  value: 'ID-OR-NAME',
  about: 'which connector (SLIPWAY_CONNECTOR; the only one, if there is one)',
};
const ofDevices: readonly Flag[] = [connector, ...calling];
const identities = [{ name: 'IDENTITY', repeated: true }] as const;
const statuses = ['whitelisted', 'provisioned', 'expired', 'locked', 'reprovision'];
const sorts = ['activity', '-activity', 'identity', '-identity', 'created', '-created'];

type OfDevice = keyof typeof import('./device.ts');
type OfConnector = keyof typeof import('./connector.ts');
const device = (name: OfDevice) => async () => ({ run: (await import('./device.ts'))[name] });
const oneConnector = (name: OfConnector) => async () => ({ run: (await import('./connector.ts'))[name] });

export const commands: readonly Command[] = [
  {
    path: ['serve'],
    about: 'run the server',
    arguments: [],
    flags: configFlags(),
    details: 'Each flag is also an environment variable: --https-port = SLIPWAY_HTTPS_PORT.',
    own: true,
    load: () => import('./serve.ts'),
  },
  {
    path: ['migrate'],
    about: 'move an installation into an empty database, while its server runs',
    arguments: [],
    flags: [
      { name: 'from', value: 'ENGINE', about: 'what it is in now', choices: ['sqlite'] },
      { name: 'to', value: 'URL', about: 'postgres://… (SLIPWAY_DATABASE_URL, where others cannot read it)' },
      data,
    ],
    own: true,
    load: () => import('./migrate.ts'),
  },
  {
    path: ['backup'],
    about: 'put the database, the CA and all files into one archive, while the server runs',
    arguments: [{ name: 'FILE', file: true }],
    flags: [data, { name: 'replace', about: 'in place of a file that is there' }, json],
    details: 'The archive holds the key of the CA and hashes of all credentials: keep it as safe as the folder.',
    load: () => import('./backup.ts'),
  },
  {
    path: ['restore'],
    about: 'check an archive, and put what is in it into an empty folder',
    arguments: [{ name: 'FILE', file: true }],
    flags: [data, { name: 'check', about: 'only check the archive' }, json],
    load: () => import('./restore.ts'),
  },
  {
    path: ['doctor'],
    about: 'look for what is wrong: settings, certificates, disk, permissions, database, ports',
    arguments: [],
    flags: [...configFlags(), json],
    details: 'Exit code 1 if there is a fault. Takes the settings of serve, from the environment or as flags.',
    load: () => import('./doctor.ts'),
  },
  {
    path: ['simulate'],
    about: 'run a fleet of made-up devices against any Slipway',
    arguments: [],
    flags: simulateFlags,
    own: true,
    load: () => import('./simulate.ts'),
  },
  {
    path: ['audit', 'verify'],
    about: 'follow the chain of the audit log, and name the first entry that does not fit',
    arguments: [],
    flags: [
      { name: 'file', value: 'FILE', about: 'an exported log; else the database that the settings name', file: true },
      { name: 'expect', value: 'DIGEST', about: 'of an entry that has to be there, as it was kept elsewhere' },
      data,
      json,
    ],
    details:
      'The server may go on. With --expect a log that was cut off, or made anew, is noticed. Exit code 1 if something is wrong.',
    load: () => import('./audit.ts'),
  },
  {
    path: ['connector', 'list'],
    about: 'all connectors',
    arguments: [],
    flags: calling,
    load: oneConnector('list'),
  },
  {
    path: ['connector', 'create'],
    about: 'make a connector',
    arguments: [{ name: 'NAME' }],
    flags: [{ name: 'description', value: 'TEXT', about: 'what it is for' }, ...calling],
    load: oneConnector('create'),
  },
  {
    path: ['connector', 'show'],
    about: 'a connector, and how many devices it has',
    arguments: [{ name: 'ID-OR-NAME' }],
    flags: calling,
    load: oneConnector('show'),
  },
  {
    path: ['connector', 'delete'],
    about: 'delete a connector and all that is in it',
    arguments: [{ name: 'ID-OR-NAME' }],
    flags: [yes, ...calling],
    load: oneConnector('remove'),
  },
  {
    path: ['device', 'list'],
    about: 'devices, newest first',
    arguments: [],
    flags: [
      { name: 'identity', value: 'TEXT', about: 'part of the identity; * stands for anything' },
      { name: 'status', value: 'STATUS', about: statuses.join(', '), choices: statuses },
      { name: 'tag', value: 'NAME:VALUE', about: 'has this tag; may be repeated', repeated: true },
      { name: 'batch', value: 'ID', about: 'came with this import' },
      { name: 'online', about: 'is online' },
      { name: 'ends-within', value: 'DAYS', about: 'its certificate ends within so many days, or has ended' },
      { name: 'sort', value: 'ORDER', about: sorts.join(', '), choices: sorts },
      { name: 'limit', value: 'N', about: 'this many at most (100)' },
      { name: 'all', about: 'all of them' },
      { name: 'count', about: 'only how many' },
      ...ofDevices,
    ],
    load: device('list'),
  },
  {
    path: ['device', 'add'],
    about: 'let identities in',
    arguments: identities,
    flags: [
      { name: 'tag', value: 'NAME:VALUE', about: 'give it this tag; may be repeated', repeated: true },
      { name: 'type', value: 'AUTH', about: 'what it gets', choices: ['token', 'password', 'certificate'] },
      { name: 'hours', value: 'N', about: 'its activation window' },
      { name: 'key-file', value: 'FILE', about: 'its credential, set beforehand; - for standard input', file: true },
      { name: 'locked', about: 'lock it' },
      { name: 'update', about: 'change identities that are known already' },
      ...ofDevices,
    ],
    load: device('add'),
  },
  {
    path: ['device', 'show'],
    about: 'a device',
    arguments: [{ name: 'IDENTITY' }],
    flags: ofDevices,
    load: device('show'),
  },
  {
    path: ['device', 'import'],
    about: 'let a CSV file of identities in',
    arguments: [{ name: 'FILE', file: true }],
    flags: [
      { name: 'dry-run', about: 'only check' },
      { name: 'skip', about: 'write the good rows, report the others' },
      { name: 'hours', value: 'N', about: 'their activation window' },
      { name: 'name', value: 'TEXT', about: 'of the batch' },
      ...ofDevices,
    ],
    load: device('importFile'),
  },
  {
    path: ['device', 'lock'],
    about: 'keep devices out',
    arguments: identities,
    flags: ofDevices,
    load: device('lock'),
  },
  {
    path: ['device', 'unlock'],
    about: 'let them in again',
    arguments: identities,
    flags: ofDevices,
    load: device('unlock'),
  },
  {
    path: ['device', 'reprovision'],
    about: 'let them provision once more',
    arguments: identities,
    flags: ofDevices,
    load: device('reprovision'),
  },
  {
    path: ['device', 'revoke'],
    about: 'end their credentials',
    arguments: identities,
    flags: [yes, ...ofDevices],
    load: device('revoke'),
  },
  {
    path: ['device', 'delete'],
    about: 'forget them',
    arguments: identities,
    flags: [yes, ...ofDevices],
    load: device('remove'),
  },
  {
    path: ['completion'],
    about: 'print what completes commands in a shell',
    arguments: [{ name: 'SHELL', choices: shells }],
    flags: [],
    details:
      'bash: source <(slipway completion bash)   zsh: source <(slipway completion zsh)\nfish: slipway completion fish | source',
    load: async () => ({
      run: async (_, { positionals }) =>
        void process.stdout.write(completionFor(positionals[0] as (typeof shells)[number], commands)),
    }),
  },
];
