/** Which role the claims of an OpenID provider give, by the mapping of the configuration. Pure. */
import { mayAs, type Role, roles } from './people.ts';

/** Who has this value among those of the claim has the role; `*` is any value. */
export interface RoleRule {
  readonly claim: string;
  readonly value: string;
  readonly role: Role;
}

/** `groups:slipway-admins=admin,groups:line 3=operator,email:*=viewer`; null where it cannot be read. */
export function readRoleRules(text: string): RoleRule[] | null {
  const rules = text.split(',').map((part) => /^\s*([^:=\s]+):(.+)=(\w+)\s*$/.exec(part));
  const read = rules.map((match) => {
    const [, claim = '', value = '', role = ''] = match ?? [];
    return { claim, value: value.trim(), role: role as Role };
  });
  return read.every(({ claim, value, role }) => claim !== '' && value !== '' && roles.includes(role)) ? read : null;
}

/** The highest role that the claims give; null: none, and so no way in. */
export function roleOf(rules: readonly RoleRule[], claims: Readonly<Record<string, unknown>>): Role | null {
  const given = rules.filter(({ claim, value }) => {
    const values = Object.hasOwn(claims, claim) ? [claims[claim]].flat() : [];
    return values.some((one) => typeof one === 'string' && (value === '*' || one === value));
  });
  return given.reduce<Role | null>((best, { role }) => (best === null || mayAs(role, best) ? role : best), null);
}
