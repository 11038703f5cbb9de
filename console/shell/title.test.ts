/** Tabs of a browser can be told apart by their titles. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { titleOf } from './title.ts';

test('the title names device, connector and page', () => {
  const connector = 'Tutorial';
  const device = { path: '/connectors/abc/devices/00000001', connector, identity: '00000001' };
  assert.equal(titleOf(device), '00000001 · Tutorial · Slipway');
  assert.equal(titleOf({ path: '/connectors/abc/settings', connector }), 'Settings · Tutorial · Slipway');
  assert.equal(titleOf({ path: '/' }), 'Solutions · Slipway');
});

test('what is not known is left out', () => {
  assert.equal(titleOf({ path: '/connectors/abc/logs' }), 'Logs · Slipway');
  assert.equal(titleOf({ path: '/nowhere' }), 'Slipway');
});
