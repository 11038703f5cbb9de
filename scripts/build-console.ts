/** `npm run build`: builds the console beforehand, for a checkout that the server itself may not write to. */
import { buildConsole } from '../src/console/build.ts';
import { createLogger } from '../src/log.ts';

console.log(await buildConsole(createLogger('info', process.stdout)));
