/** What a durable publish is compared with on the same runtime: Aedes, a broker that keeps everything in memory. */
import { type AddressInfo, createServer } from 'node:net';
import { Aedes } from 'aedes';
import { answerQuestions } from '../helper.ts';

answerQuestions(async () => {
  const broker = await Aedes.createBroker();
  const server = createServer(broker.handle);
  const { promise, resolve } = Promise.withResolvers<number>();
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  return promise;
});
