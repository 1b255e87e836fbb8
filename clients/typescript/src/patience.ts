// How long a broken connection is put up with.

import { setTimeout as sleep } from "node:timers/promises";

import { type CountinghouseError, TOKEN_EXPIRED } from "./errors.js";

const FIRST_MS = 100;
const LONGEST_MS = 5_000;

/** How work goes on after a lost connection. */
export interface Persistence {
  /** Ends the work, and the call under way, when it is aborted. */
  signal?: AbortSignal;
  /** How long to go on without any sign of the server, in milliseconds; 90,000 when not given. */
  patienceMs?: number;
  /** Told of each lost connection and of the wait before the next try, in milliseconds. */
  onRetry?: (error: CountinghouseError, delayMs: number) => void;
}

/**
 * Bounds the time without progress, and spaces the tries.
 *
 * Waits grow from 0.1 to 5 seconds and vary by half, so that callers who lost the same server do not come back in step;
 * what the server asks for (RetryInfo) goes before. An expired token is tried again once, as there may be a new one.
 */
export class Patience {
  readonly #options: Persistence;
  #progressAt = performance.now();
  #tries = 0;

  constructor(options: Persistence) {
    this.#options = options;
  }

  /** Start counting anew: something was received. */
  progressed(): void {
    this.#progressAt = performance.now();
    this.#tries = 0;
  }

  /** Wait before the next try; throws `error` itself when patience would run out before it. */
  async wait(error: CountinghouseError): Promise<void> {
    this.#options.signal?.throwIfAborted();
    const backoffMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#tries) * (0.5 + Math.random());
    const delayMs = Math.max(backoffMs, error.retryDelayMs ?? 0);
    if (performance.now() + delayMs - this.#progressAt > (this.#options.patienceMs ?? 90_000)) throw error;
    if (error.reason === TOKEN_EXPIRED && this.#tries > 0) throw error;
    this.#tries += 1;
    this.#options.onRetry?.(error, delayMs);
    await sleep(delayMs, undefined, this.#options.signal === undefined ? {} : { signal: this.#options.signal });
  }
}
