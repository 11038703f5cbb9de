/** POST /provision/activate (device-http.md). */
import type { Connector } from '../../domain/connector.ts';
import { AppError } from '../../domain/errors.ts';
import type { Directory } from '../directory.ts';
import type { Handler } from './context.ts';
import { decodeForm, type Pair, splitForm } from './form.ts';
import { noContent, plain } from './reply.ts';

export const activateDevice: Handler = async (
  { request, connector, certificate, origin },
  { admission, directory },
) => {
  const pairs = splitForm(request.body);
  const field = (name: string) => pairs.find(([key]) => key === name)?.[1];
  const id = field('id') ?? field('sn');
  if (id === undefined || id === '') throw new AppError('ID_MISSING', { wanted: 'id=<identity>' });
  const identity = decodeIdentity(id);
  const password = field('password');
  const token = await admission.provision({
    connector: connector ?? connectorOf(pairs, directory),
    identity,
    password: password === undefined ? null : Buffer.from(decodeForm(password)),
    certificate,
    origin,
  });
  return token === null ? noContent : plain(token);
};

/** Where the host names no connector, `vendor` or `model` may. CONNECTOR_UNKNOWN. */
function connectorOf(pairs: readonly Pair[], directory: Directory): Connector {
  const names = pairs.filter(([key]) => key === 'vendor' || key === 'model').map(([, value]) => decodeForm(value));
  for (const name of names) {
    const connector = directory.find(name);
    if (connector !== undefined) return connector;
  }
  const wanted = 'a host, vendor or model that names a connector';
  throw new AppError('CONNECTOR_UNKNOWN', { seen: names.join(', ') || 'none', wanted });
}

/** An identity is never guessed at: each `%` must begin a byte, and the bytes must be UTF-8. IDENTITY_ENCODING. */
function decodeIdentity(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch (cause) {
    throw new AppError('IDENTITY_ENCODING', { seen: text, wanted: '%XX for each byte that is encoded', cause });
  }
}
