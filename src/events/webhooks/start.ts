/** Starts and stops the deliveries of all webhooks, as people make, change and remove them; wakes them when the log grows. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Webhook } from '../../domain/webhook.ts';
import { type Places, startRun, type WebhookDeps } from './run.ts';
import { createSlots } from './slots.ts';

/** Deliveries at the same time, each of one batch: of webhooks that do well, of those whose last try failed, and of new ones. */
const STEADY_PLACES = 16;
const TROUBLED_PLACES = 8;
const FRESH_PLACES = 8;
/** ms after which it looks for changes that no signal told of. */
const LOOK_EVERY = 30_000;
/** ms after which it looks again when it could not. */
const AGAIN = 1_000;
/** ms that deliveries under way have to come to their end when the server stops. */
const GRACE = 2_000;

interface Running {
  readonly connector: string;
  readonly generation: number;
  readonly end: AbortController;
  readonly ring: () => void;
  readonly done: Promise<void>;
}

/** Starts them; the answer stops them and resolves when no delivery is under way. */
export function startWebhooks(deps: WebhookDeps): () => Promise<void> {
  const { store, logger } = deps;
  const places: Places = {
    steady: createSlots(STEADY_PLACES),
    troubled: createSlots(TROUBLED_PLACES),
    fresh: createSlots(FRESH_PLACES),
  };
  const stopping = new AbortController();
  const running = new Map<string, Running>();
  const byConnector = new Map<string, Set<Running>>();
  let wake = Promise.withResolvers<void>();

  const unlisten = store.onSignal((signal) => {
    if (signal.kind === 'events') for (const { ring } of byConnector.get(signal.connector) ?? []) ring();
    else if (signal.kind === 'work' || signal.kind === 'connector') wake.resolve();
  });

  function start(hook: Webhook): void {
    const end = new AbortController();
    const { ring, done } = startRun(hook, deps, places, end.signal, stopping.signal);
    const { connector, generation } = hook;
    const one: Running = { connector, generation, end, ring, done };
    running.set(hook.id, one);
    byConnector.getOrInsertComputed(connector, () => new Set()).add(one);
    void done
      .catch((error) => logger.error('a webhook ended by a fault of ours', { connector, webhook: hook.id, error }))
      .then(() => {
        byConnector.get(connector)?.delete(one);
        if (byConnector.get(connector)?.size === 0) byConnector.delete(connector);
        if (running.get(hook.id) === one) running.delete(hook.id);
      });
  }

  /** The order of a webhook's events holds: its next run begins when the one before has ended. */
  async function look(): Promise<void> {
    const wanted = new Map(
      (await store.listWebhooks())
        .filter(({ enabled, pausedAt }) => enabled && pausedAt === null)
        .map((hook) => [hook.id, hook]),
    );
    const old = [...running].filter(([id, { generation }]) => wanted.get(id)?.generation !== generation);
    for (const [, { end }] of old) end.abort();
    await Promise.all(old.map(([, { done }]) => done.catch(() => {})));
    for (const [id, hook] of wanted) if (!running.has(id) && !stopping.signal.aborted) start(hook);
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      wake = Promise.withResolvers();
      const looked = await look().then(
        () => true,
        (error) => {
          logger.debug('webhooks could not be listed; trying again', { error });
          return false;
        },
      );
      const pause = sleep(looked ? LOOK_EVERY : AGAIN, undefined, { signal: stopping.signal }).catch(() => {});
      await (looked ? Promise.race([wake.promise, pause]) : pause);
    }
  }
  const looking = keepLooking();

  return async () => {
    unlisten();
    stopping.abort();
    wake.resolve();
    const all = Promise.all([...running.values()].map(({ done }) => done.catch(() => {})));
    await Promise.race([all, sleep(GRACE, undefined, { ref: false })]);
    for (const { end } of running.values()) end.abort();
    await Promise.all([all, looking]);
  };
}
