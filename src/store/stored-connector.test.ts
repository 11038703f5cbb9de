/** Connectors as rows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultSettings } from '../domain/connector.ts';
import { fromRow } from './stored-connector.ts';

const row = { key: 1, id: 'c', created: 2, version: 3 };

test('one that a gateway of the version before made takes no files from devices', () => {
  const { content, ...older } = defaultSettings('c');
  const { connector } = fromRow({ ...row, settings: JSON.stringify(older) });
  assert.deepEqual(connector.settings.content, content);
  assert.equal(content.device_upload, false);
});

test('what is stored counts', () => {
  const settings = {
    ...defaultSettings('c'),
    content: { device_upload: true, device_upload_bytes: 5, device_upload_total_bytes: 6 },
  };
  const { connector } = fromRow({ ...row, settings: JSON.stringify(settings) });
  assert.deepEqual(connector, { id: 'c', created: 2, version: 3, settings });
});

test('what the version before did not know has its default', () => {
  const settings = { ...defaultSettings('c'), content: { device_upload: true, device_upload_bytes: 5 } };
  const { content } = fromRow({ ...row, settings: JSON.stringify(settings) }).connector.settings;
  assert.deepEqual(content, {
    ...{ device_upload: true, device_upload_bytes: 5 },
    device_upload_total_bytes: defaultSettings('c').content.device_upload_total_bytes,
  });
});
