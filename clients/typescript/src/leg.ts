// One bounded call of longer work.

/** A call's bound: what to hand to it, and what ends it for good. */
export interface Leg {
  readonly call: { readonly signal: AbortSignal; readonly timeoutMs: 0 };
  readonly end: () => void;
}

/**
 * A bound of `ms` milliseconds for a streaming call, which also ends when `signal` is aborted.
 *
 * Connect's own timeout of a stream keeps its timer, and with it the process, until it is over, even when the stream has
 * long ended; so the call is told of none, and the timer is ours.
 */
export function leg(ms: number, signal: AbortSignal | undefined): Leg {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), ms).unref();
  const either = signal === undefined ? end.signal : AbortSignal.any([signal, end.signal]);
  return {
    call: { signal: either, timeoutMs: 0 },
    end: () => {
      clearTimeout(timer);
      end.abort();
    },
  };
}
