/** The mapping of claims to roles: the highest counts, and who has none is not let in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRoleRules, roleOf } from './provider-roles.ts';

const rules = readRoleRules(
  'groups:slipway admins=admin, groups:line:3=operator,email_verified:yes=viewer,hd:*=viewer',
)!;

test('a rule is a claim, a value and a role', () => {
  assert.deepEqual(rules[0], { claim: 'groups', value: 'slipway admins', role: 'admin' });
  assert.deepEqual(rules[1], { claim: 'groups', value: 'line:3', role: 'operator' });
  for (const bad of [
    '',
    'groups',
    'groups:x',
    'groups:x=',
    'groups:x=owner',
    ':x=admin',
    'groups:=admin',
    'groups:x=admin,',
  ]) {
    assert.equal(readRoleRules(bad), null, bad);
  }
});

test('the highest role of the claims counts; without any there is none', () => {
  assert.equal(roleOf(rules, { groups: ['line:3', 'slipway admins', 'other'] }), 'admin');
  assert.equal(roleOf(rules, { groups: 'line:3', hd: 'example.com' }), 'operator');
  assert.equal(roleOf(rules, { hd: 'anything' }), 'viewer');
  for (const claims of [
    {},
    { groups: [] },
    { groups: ['Slipway Admins'] },
    { groups: [['slipway admins']] },
    { groups: { 0: 'slipway admins' } },
    { hd: 7 },
  ]) {
    assert.equal(roleOf(rules, claims as Record<string, unknown>), null, JSON.stringify(claims));
  }
});
