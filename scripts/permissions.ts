/**
 * Makes docs/permissions.md, the table of who may call what, from the route table of the management API; with `--check` tells
 * whether it is what the routes say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Route } from '../src/api/context.ts';
import { routes } from '../src/api/routes.ts';
import { mayAs, type Role, roles } from '../src/domain/people.ts';

const target = join(import.meta.dirname, '../docs/permissions.md');

const intro = `# Who may do what

Made by [scripts/permissions.ts](../scripts/permissions.ts) from the route table of the management API; not to be changed by hand.
The same table decides when a call comes in, and a test tries every row of it as nobody, as each role, with keys, and as those who
see another connector alone.

- **Roles.** A viewer reads, an operator changes devices as well, an admin settings and people too. Too low a role is answered 403
  \`ROLE_FORBIDDEN\`, whatever the call is about.
- **Connectors.** An account sees all connectors or those that it is given; a key sees all or one. Of a connector that one does not see,
  calls marked *this one* answer 404, as if it were not there. Calls marked *all* concern the whole installation, and deleting a
  connector is one of them: who does not see all connectors is answered 403 \`SCOPE_FORBIDDEN\`, whether the connector is there or not.
- **Keys.** An API key has a role, as an account does. Calls marked *–* are for people alone.
- **Proof.** Calls marked *yes* need the password (and the code of the second factor, where there is one) to have been shown within
  the last 15 minutes: at the sign-in, or by \`POST /api:1/session/proof\`. A stolen cookie cannot make them.

| call | | viewer | operator | admin | connectors | keys | proof |
| --- | --- | --- | --- | --- | --- | --- | --- |
`;

function rowOf({ method, path, permission, demands, summary }: Route): string {
  const open = permission === 'public';
  const may = roles.map((role) => (open || mayAs(role, permission as Role) ? 'yes' : '–'));
  const connectors = demands.installation ? 'all' : path.includes('{connector}') ? 'this one' : '';
  const cells = [
    `\`${method} ${path}\``,
    summary + (open ? ' (anyone)' : ''),
    ...may,
    connectors,
    demands.person ? '–' : 'yes',
    demands.proof ? 'yes' : '',
  ];
  return `| ${cells.join(' | ')} |\n`;
}

const text = intro + routes.map(rowOf).join('');
if (!process.argv.includes('--check')) writeFileSync(target, text);
else if (readFileSync(target, 'utf8') !== text) {
  console.error('docs/permissions.md is not what the routes say; run: npm run permissions');
  process.exitCode = 1;
}
