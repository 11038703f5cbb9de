/** Handler of `GET /api:1/server`: what commands for devices need to know of the server they talk to. */
import { readFile } from 'node:fs/promises';
import { handle } from './context.ts';
import { serverFacts } from './schema/account.ts';

/** Stands for the id of a connector. */
const ANY_CONNECTOR = 'connector';

export const getServer = handle({ response: { 200: serverFacts } }, async ({ deps }) => {
  const { version, caPath, mqttPort, deviceUrl } = deps;
  return {
    version,
    device_url: deviceUrl(ANY_CONNECTOR),
    mqtt_port: mqttPort,
    ca: caPath === null ? null : { path: caPath, certificate: await readFile(caPath, 'utf8') },
  };
});
