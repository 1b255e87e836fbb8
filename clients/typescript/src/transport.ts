// The connection: where to, who as, and what is done to every call.

import { randomUUID } from "node:crypto";

import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";

import { CountinghouseError, requestIdOf } from "./errors.js";
import { Patience } from "./patience.js";

const ANSWER_BYTES_MAX = 32 * 2 ** 20; // the largest answer is that of a stream with 10,000 refusals
const RETRY_MS = 10_000;
const TRIES_MAX = 5;
const READS = /^(Get|List|Wait|Check|Reconcile|Cancel)/; // canceling twice is canceling once

/** How to reach a server. */
export interface ConnectOptions {
  /** The token, or what gives the present one. It is not sent in clear text beyond this machine. */
  token?: string | (() => string | Promise<string>);
  /** Certificates, as PEM: the authorities that the server's is checked against, and our own for mutual TLS. */
  tls?: { ca?: string | Buffer; cert?: string | Buffer; key?: string | Buffer };
  /** The bound of a call that is no stream, in milliseconds; 60,000 when not given. */
  timeoutMs?: number;
  /** Send the token even without TLS over a network, where everybody on the way can read it. */
  plaintextToken?: boolean;
}

/** A transport and what closes it. */
export interface Connection {
  readonly transport: Transport;
  readonly close: () => void;
}

/** A gRPC connection over HTTP/2 to `https://…` or `http://…`; made when the first call needs it. */
export function open(url: string, options: ConnectOptions): Connection {
  const { protocol, hostname } = new URL(url);
  if (options.token !== undefined && protocol === "http:" && !isLoopback(hostname) && !options.plaintextToken) {
    throw new TypeError("a token over http would be sent in clear text: use https, or say plaintextToken");
  }
  const sessions = new Http2SessionManager(
    url,
    { pingIntervalMs: 20_000, pingTimeoutMs: 10_000, pingIdleConnection: false },
    options.tls,
  );
  const transport = createGrpcTransport({
    baseUrl: url,
    sessionManager: sessions,
    readMaxBytes: ANSWER_BYTES_MAX,
    defaultTimeoutMs: options.timeoutMs ?? 60_000,
    interceptors: [told, repeated, authorized(options.token)],
  });
  return { transport, close: () => sessions.abort() };
}

/** Every error is a CountinghouseError; a request that takes a request id and has none gets one. */
const told: Interceptor = (next) => async (call) => {
  if (call.stream) {
    try {
      const answer = await next(call);
      return answer.stream ? { ...answer, message: toldEach(answer.message) } : answer;
    } catch (error) {
      throw CountinghouseError.of(error);
    }
  }
  const stamped = call.method.input.fields.some((field) => field.name === "request_id") && !requestIdOf(call.message);
  const message = stamped ? { ...call.message, requestId: randomUUID() } : call.message;
  try {
    return await next({ ...call, message });
  } catch (error) {
    throw CountinghouseError.of(error, requestIdOf(message));
  }
};

async function* toldEach<T>(messages: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  try {
    yield* messages;
  } catch (error) {
    throw CountinghouseError.of(error);
  }
}

/** While the server is away, or asks to come back, reads and calls with a request id are made again for some seconds. */
const repeated: Interceptor = (next) => async (call) => {
  if (call.stream || !(READS.test(call.method.name) || requestIdOf(call.message))) return next(call);
  const patience = new Patience({ signal: call.signal, patienceMs: RETRY_MS });
  for (let tries = 1; ; tries++) {
    try {
      return await next(call);
    } catch (thrown) {
      const error = CountinghouseError.of(thrown, requestIdOf(call.message));
      if (!error.retryable || tries === TRIES_MAX) throw error;
      await patience.wait(error);
    }
  }
};

function authorized(token: ConnectOptions["token"]): Interceptor {
  return (next) => async (call) => {
    if (token !== undefined) {
      call.header.set("authorization", `Bearer ${typeof token === "string" ? token : await token()}`);
    }
    return next(call);
  };
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
