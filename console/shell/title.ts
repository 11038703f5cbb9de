/** What a page is called in the browser, from the nearest to the farthest: "00000001 · Tutorial · Slipway". Pure. */

interface Place {
  readonly path: string;
  /** Name of the connector; undefined where there is none, or while it is not known. */
  readonly connector?: string;
  readonly identity?: string;
}

const pages: Readonly<Record<string, string>> = {
  '': 'Solutions',
  'sign-in': 'Sign in',
  account: 'Account',
  people: 'People',
  keys: 'API keys',
  audit: 'Audit log',
  welcome: 'Welcome',
  password: 'Set a password',
  devices: 'Devices',
  logs: 'Logs',
  resources: 'Resources',
  settings: 'Settings',
  overview: 'Overview',
  webhooks: 'Webhooks',
};

export function titleOf({ path, connector, identity }: Place): string {
  const [, first = '', second, tab] = path.split('/');
  const page = identity ?? pages[first === 'connectors' ? (tab ?? 'devices') : (second ?? first)];
  return [page, connector, 'Slipway'].filter((part) => part !== undefined && part !== '').join(' · ');
}
