/** The questions whose answers tell whether two installations hold the same. */
import type { TestConnector } from './connector.ts';

/** What an installation answers about a connector in which nothing happens. */
export async function everything(connector: TestConnector): Promise<unknown> {
  const answers: unknown[] = [];
  const ask = async (path: string) => {
    const { status, body, text } = await connector.api('GET', path);
    // The port is another one.
    answers.push([path, status, path === '' ? { ...body, protocol: null } : (body ?? text)]);
  };
  for (const path of ['', '/identity/?limit=1000', '/identity/?sort=identity&limit=7', '/identities/count'])
    await ask(path);
  for (const query of [
    'status=whitelisted',
    'tag=site:north',
    'identity=lot-1',
    'certificate_expires_before=9000000000000000',
  ]) {
    await ask(`/identities/count?${query}`);
    await ask(`/identity/?${query}`);
  }
  for (const identity of ['by-token', 'by-password', 'by-certificate', 'lot-7', 'nobody']) {
    await ask(`/identity/${identity}`);
    await ask(`/identity/${identity}/state`);
    await ask(`/identity/${identity}/explain`);
  }
  for (const path of ['history?alias=n&limit=1000', 'history?alias=n&bucket=60'])
    await ask(`/identity/by-token/${path}`);
  for (const path of [
    '/events?limit=1000',
    '/events?types=provisioned',
    '/events?identity=by-token',
    '/batches',
    '/tags',
    '/tags/line',
    '/content',
    '/content/fw.txt',
    '/content/fw.txt/info',
    '/content/fw.txt/fetches',
  ]) {
    await ask(path);
  }
  return answers;
}
