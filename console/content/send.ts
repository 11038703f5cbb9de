/** Sends a file, and tells how much of it has left. The file is read from the disk as it is sent and never held. */
import { device2 } from '../api/client.ts';
import { Unreachable } from '../api/failure.ts';
import { failureOfRequest } from '../api/request.ts';

export interface Upload {
  readonly file: File;
  readonly id: string;
  readonly meta: string;
  /** As the API writes it. */
  readonly offer: string;
}

export interface Sending {
  /** ApiFailure, Unreachable; never settles once it was stopped. */
  readonly done: Promise<void>;
  /** The server then drops what it has got. */
  stop(): void;
}

export function sendContent(connector: string, upload: Upload, onProgress: (sent: number) => void): Sending {
  const { file, id, meta, offer } = upload;
  const request = new XMLHttpRequest();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const search = new URLSearchParams({ meta, offer });
  request.open('PUT', `${device2(connector)}/content/${encodeURIComponent(id)}?${search}`);
  request.setRequestHeader('content-type', file.type === '' ? 'application/octet-stream' : file.type);
  request.upload.onprogress = ({ loaded }) => onProgress(loaded);
  request.onload = () => (request.status === 201 ? resolve() : reject(failureOfRequest(request)));
  request.onerror = () => reject(new Unreachable('no answer', true));
  request.send(file);
  return { done: promise, stop: () => request.abort() };
}
