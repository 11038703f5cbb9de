/** Handlers of rollouts: begin, advance, hold, resume, stop. What each means is for the domain to say. */
import { randomBytes } from 'node:crypto';
import { type Content, expectNoRollout } from '../../domain/content.ts';
import { AppError } from '../../domain/errors.ts';
import { changeRollout, type Rollout, rolloutEvent, startRollout, type Watch } from '../../domain/rollout.ts';
import { type Call, handle } from '../context.ts';
import { actorOf, findConnector } from '../lookup.ts';
import { ref } from '../schema/common.ts';
import { contentParams, rolloutAction, rolloutBody } from '../schema/content.ts';
import { auditedContent } from '../trail.ts';
import { viewContent } from './view.ts';

const SECOND = 1_000_000;
const STEPS = [1, 10, 100];

/** ROLLOUT_INVALID, ROLLOUT_STATE while there is one. */
export const startContentRollout = handle(
  { params: contentParams, body: rolloutBody, response: { 200: ref('Content') } },
  async (call) => {
    const { steps = STEPS, every = null, watch } = call.body;
    const { settings } = await findConnector(call.deps.store, call.params.connector);
    const { resource, at_least: atLeast = 1, share, failure, success = [] } = watch ?? {};
    if (resource !== undefined && !Object.hasOwn(settings.resources, resource)) {
      throw new AppError('ROLLOUT_INVALID', { seen: `the resource ${resource}`, wanted: 'one that is defined' });
    }
    const wanted: Watch | null =
      resource === undefined
        ? null
        : { alias: resource, atLeast, share: share!, failure: failure!.map(String), success: success.map(String) };
    const request = { steps, every: every === null ? null : every * SECOND, watch: wanted };
    return change(call, (content) => {
      expectNoRollout(content);
      if (content.offer.to === 'none') {
        throw new AppError('ROLLOUT_INVALID', {
          seen: 'a file for nobody',
          wanted: 'an offer to all, a tag or a batch',
        });
      }
      return { ...content, rollout: startRollout(request, randomBytes(8).toString('hex'), call.now) };
    });
  },
);

/** ROLLOUT_UNKNOWN, ROLLOUT_STATE. The audit log tells the actions apart. */
export const actOnRollout = handle(
  { params: contentParams, body: rolloutAction, response: { 200: ref('Content') } },
  async (call) =>
    change({ ...call, action: `${call.body.action}Rollout` }, (content) => ({
      ...content,
      rollout: changeRollout(expectRollout(content), call.body, call.now),
    })),
);

/** From then on the file is offered to nobody. ROLLOUT_UNKNOWN */
export const stopRollout = handle({ params: contentParams, response: { 200: ref('Content') } }, async (call) =>
  change(call, (content) => {
    expectRollout(content);
    return { ...content, offer: { to: 'none' }, rollout: null };
  }),
);

function expectRollout({ rollout, id }: Content): Rollout {
  if (rollout === null) throw new AppError('ROLLOUT_UNKNOWN', { seen: id });
  return rollout;
}

type Changing = Pick<Call, 'deps' | 'caller' | 'request' | 'now' | 'action'> & {
  readonly params: { connector: string; content: string };
};

/** Changes the file and logs the step. CONTENT_UNKNOWN */
async function change(call: Changing, decide: (content: Content) => Content): Promise<unknown> {
  const { deps, params } = call;
  await findConnector(deps.store, params.connector);
  const step = auditedContent(call, params.connector, params.content, (before) => {
    if (before === null) throw new AppError('CONTENT_UNKNOWN', { seen: params.content });
    const content = decide(before);
    const rollouts = { before: before.rollout, after: content.rollout };
    return { answer: content, content, events: [rolloutEvent(params.content, rollouts, actorOf(call))] };
  });
  return viewContent(await deps.store.changeContent(params.connector, params.content, step));
}
