/** `slipway connector …`: connectors of a server, over the management API. */
import { type Client, pickConnector, withClient } from './client.ts';
import { type Given, textOf } from './command.ts';
import { confirm, devicesText, table, tell, timeText } from './output.ts';

type Args = readonly string[];

export const list = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const all = await client.call('GET', '/api:1/connectors');
    tell(given, all, () =>
      table(
        ['ID', 'NAME', 'URL', 'CREATED'],
        all.map(({ id, name, url, created }: Record<string, never>) => [id, name, url, timeText(created)]),
      ),
    );
  });

export const create = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const body = { name: given.positionals[0], description: textOf(given, 'description') };
    const made = await client.call('POST', '/api:1/connectors', { body });
    tell(given, made, () => `${made.id}  ${made.url}`);
  });

export const show = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const one = await pickConnector(client, given.positionals[0]);
    const standing = await client.call('GET', `/api:1/connectors/${one.id}/figures`);
    tell(given, { ...one, ...standing }, () => {
      const { total, ...statuses } = standing.devices;
      return table(
        ['CONNECTOR', one.name],
        [
          ['id', one.id],
          ['description', one.description],
          ['url', one.url],
          ['created', timeText(one.created)],
          ['devices', total],
          ...Object.entries(statuses).map(([status, n]) => [`  ${status}`, n as number] as const),
          ['online', standing.online],
        ],
      );
    });
  });

export const remove = (_: Args, given: Given): Promise<void> =>
  withClient(given, async (client) => {
    const one = await pickConnector(client, given.positionals[0]);
    await confirm(
      given,
      `Delete the connector ${one.name} (${one.id}) with its ${devicesText(await devicesOf(client, one.id))}?`,
    );
    await client.call('DELETE', `/api:1/connectors/${one.id}`, { query: { confirm: one.name } });
    tell(given, { deleted: one.id }, () => `${one.id} is deleted.`);
  });

async function devicesOf(client: Client, id: string): Promise<number> {
  return (await client.call('GET', `/api:1/connectors/${id}/figures`)).devices.total;
}
