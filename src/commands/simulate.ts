/** `slipway simulate`: provisions and runs a fleet against any Slipway. Exit code 0 if all that was due was acknowledged. */
import { join } from 'node:path';
import { loadConfig } from '../config.ts';
import type { Scene } from '../simulator/device.ts';
import { Explained } from '../simulator/explained.ts';
import { Figures } from '../simulator/figures.ts';
import { type Flags, readFlags } from '../simulator/flags.ts';
import { runFleet } from '../simulator/fleet.ts';
import { HttpsDevice } from '../simulator/https-device.ts';
import { MqttDevice } from '../simulator/mqtt-device.ts';
import { type Defaults, makePlan, type Plan } from '../simulator/plan.ts';
import { createScreen, type Screen, type Style, startShowing } from '../simulator/screen.ts';
import { createValues } from '../simulator/values.ts';

export async function run(args: readonly string[]): Promise<void> {
  try {
    const flags = readFlags(args);
    const screen = createScreen(styleOf(flags), process.stdout, process.stderr);
    const plan = await makePlan(flags, defaults(), screen.note);
    if (!(await simulate(flags, plan, screen))) process.exitCode = 1;
  } catch (error) {
    if (!(error instanceof Explained)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** A server on this machine has the settings of this environment. */
function defaults(): Defaults {
  const { consolePort, mqttPort, adminEmail, adminPassword, data } = loadConfig(process.env, []);
  return {
    api: `http://localhost:${consolePort}`,
    email: adminEmail,
    password: adminPassword,
    mqttPort,
    caPath: join(data, 'ca', 'ca.pem'),
  };
}

function styleOf({ json }: Flags): Style {
  if (json) return 'json';
  return process.stdout.isTTY ? 'terminal' : 'lines';
}

/** True if all was acknowledged. */
async function simulate(flags: Flags, plan: Plan, screen: Screen): Promise<boolean> {
  const { target, members, seed, aliases } = plan;
  const figures = new Figures(members.length);
  const stop = new AbortController();
  let failure: unknown = null;
  const fail = (error: unknown) => {
    failure ??= error;
    stop.abort();
  };
  const scene: Scene = { ...plan, listen: flags.listen, figures, fail };
  const Kind = flags.protocol === 'mqtt' ? MqttDevice : HttpsDevice;
  const devices = members.map(([identity, secret]) => new Kind(identity, secret, scene));
  screen.note(
    `${members.length} devices over ${flags.protocol.toUpperCase()} to ${target.host}:${target.port}, ` +
      `${flags.rate} writes a second, seed ${seed}. Ctrl-C ends it.`,
  );
  // A second one ends the process at once.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const stopShowing = startShowing(screen, figures);
  const course = { ...flags, devices, values: createValues(aliases, seed), inFlightMax: flags.inFlight };
  await runFleet(course, figures, stop.signal);
  stopShowing();
  await plan.keyring.close();
  if (failure !== null) throw failure;
  const summary = figures.summary();
  screen.finish(summary);
  return summary.good;
}
