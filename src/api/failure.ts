/**
 * Turns whatever went wrong into the answer of the management API: `{statusCode, error, code, message, details?}`, always
 * a row of the catalogue. Nothing internal leaves: what is not in the catalogue is logged and answered as INTERNAL.
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorCode } from '../domain/errors.ts';
import type { Logger } from '../log.ts';

export interface FailureBody {
  readonly statusCode: number;
  readonly error: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: unknown;
  readonly rows?: unknown;
}

/** What Fastify and its plugins call the faults of a request. */
const frameworkCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE',
  FST_ERR_CTP_EMPTY_TYPE: 'MEDIA_TYPE',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'BODY_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'BODY_INVALID',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'REQUEST_MALFORMED',
  FST_ERR_NOT_FOUND: 'PATH_UNKNOWN',
  FST_ERR_BAD_URL: 'IDENTITY_ENCODING',
  FST_ERR_MAX_PARAM_LENGTH: 'URI_TOO_LONG',
  FST_ERR_INVALID_URL: 'REQUEST_MALFORMED',
};

/** The row of the catalogue that an error stands for. */
export function asAppError(error: unknown, request?: FastifyRequest): AppError {
  if (error instanceof AppError) return error;
  const { code, statusCode, message } = error as { code?: string; statusCode?: number; message?: string };
  const known = frameworkCodes[code ?? ''];
  if (known === 'MEDIA_TYPE') {
    const seen = request?.headers['content-type'] ?? 'none';
    return new AppError(known, { seen, wanted: request?.routeOptions.config.takes, cause: error });
  }
  if (known !== undefined) {
    return new AppError(known, { seen: known === 'BODY_INVALID' ? message : undefined, cause: error });
  }
  // Whatever else is the caller's fault: a broken multipart body, an aborted upload.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError(statusCode === 413 ? 'BODY_TOO_LARGE' : 'BODY_INVALID', { seen: message, cause: error });
  }
  return new AppError('INTERNAL', { cause: error });
}

/** The bad rows of an import stand beside the other details, as the wire has it. */
export function failureBody(error: AppError): FailureBody {
  const { status, code, message, details } = error;
  const body = { statusCode: status, error: STATUS_CODES[status] ?? 'Error', code, message };
  if (details === undefined) return body;
  if (code !== 'IMPORT_REFUSED') return { ...body, details };
  const { rows, ...counts } = details as { rows: unknown };
  return { ...body, details: counts, rows };
}

/** Answers a request with its failure, logs what is our fault, and tells which row of the catalogue it was. */
export function answerFailure(logger: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): AppError {
  const failure = asAppError(error, request);
  logFailure(logger, failure, request);
  if (failure.retryAfter !== undefined) reply.header('retry-after', String(failure.retryAfter));
  if (failure.status === 401) reply.header('www-authenticate', 'token realm="slipway"');
  reply.code(failure.status).type('application/json; charset=utf-8').send(failureBody(failure));
  return failure;
}

/** 5xx with their cause; anything else at debug level, 503 and 507 of our own bounds included: who passes them is told. */
export function logFailure(logger: Logger, failure: AppError, request: FastifyRequest): void {
  const fields = { method: request.method, path: request.routeOptions.url?.replaceAll('::', ':'), code: failure.code };
  const ours = failure.code === 'INTERNAL' || (failure.status >= 500 && failure.cause !== undefined);
  if (ours) logger.error('request failed', { ...fields, error: failure.cause ?? failure });
  else logger.debug('request refused', fields);
}

/** For bytes that are no HTTP request: there is nothing to reply with but the socket. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const code: ErrorCode =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'REQUEST_TIMEOUT'
        : 'REQUEST_MALFORMED';
  const failure = new AppError(code);
  const body = JSON.stringify(failureBody(failure));
  socket.end(
    `HTTP/1.1 ${failure.status} ${STATUS_CODES[failure.status]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
