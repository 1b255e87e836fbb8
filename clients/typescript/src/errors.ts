// Errors of calls, with everything that the server told.

import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  PreconditionFailureSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import type { Status } from "./gen/google/rpc/status_pb.js";

/** The reason of a call whose token has expired: before it, or, in a stream, during it. */
export const TOKEN_EXPIRED = "TOKEN_EXPIRED";

/** One thing that is wrong with a request or with a row. */
export interface Violation {
  /** The path of the field, such as `accounting_details[3].debit`; empty for the request as a whole. */
  readonly field: string;
  /** The stable reason, such as `AMOUNT_NOT_POSITIVE` or `FIN-IP-ACDE-002`. */
  readonly reason: string;
  /** The sentence for a person. */
  readonly description: string;
}

/** The resource that an error is about. */
export interface Resource {
  readonly type: string;
  readonly name: string;
}

/**
 * What this client throws for a call, an operation or a download that did not succeed.
 *
 * `code` is the canonical status (`Code.NotFound`, …), `rawMessage` the sentence for a person.
 */
export class CountinghouseError extends ConnectError {
  // The name stays "ConnectError": by it, and not by its class, Connect knows an error that it need not wrap.

  /** The stable reason in capitals, such as `REQUEST_ID_REUSED`; empty when the server gave none. */
  readonly reason: string;
  /** Values that belong to the reason. */
  readonly values: Readonly<Record<string, string>>;
  /** Everything that is wrong with the request; `values.violations_total` says how many when not all are told. */
  readonly violations: readonly Violation[];
  /** What stands against the call in the state of the system. */
  readonly preconditions: readonly string[];
  /** What is missing or in the way. */
  readonly resources: readonly Resource[];
  /** How long the server asks to wait before another try, in milliseconds. */
  readonly retryDelayMs: number | undefined;
  /** The id that the call was made with: repeat the call with it when its outcome is not known. */
  readonly requestId: string;

  constructor(from: ConnectError, requestId = "") {
    super(from.rawMessage, from.code, from.metadata, undefined, from.cause);
    this.details = from.details;
    this.stack = from.stack ?? "";
    const [info] = from.findDetails(ErrorInfoSchema);
    const [retry] = from.findDetails(RetryInfoSchema);
    this.reason = info?.reason ?? "";
    this.values = info?.metadata ?? {};
    this.violations = from.findDetails(BadRequestSchema).flatMap((bad) =>
      bad.fieldViolations.map(({ field, reason, description }) => ({ field, reason, description })),
    );
    this.preconditions = from
      .findDetails(PreconditionFailureSchema)
      .flatMap((failure) => failure.violations.map((violation) => violation.description));
    this.resources = from
      .findDetails(ResourceInfoSchema)
      .map(({ resourceType, resourceName }) => ({ type: resourceType, name: resourceName }));
    const delay = retry?.retryDelay;
    this.retryDelayMs = delay === undefined ? undefined : Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
    this.requestId = requestId;
  }

  /** Whether the same call may succeed later without anything being mended: the server is away, or asks to come back. */
  get retryable(): boolean {
    return this.code === Code.Unavailable || (this.code === Code.ResourceExhausted && this.retryDelayMs !== undefined);
  }

  /** By class: ConnectError's own test, which is inherited, takes every ConnectError for one of these. */
  static override [Symbol.hasInstance](thrown: unknown): boolean {
    return Function.prototype[Symbol.hasInstance].call(this, thrown);
  }

  /** The typed error of anything that was thrown by a call. */
  static of(thrown: unknown, requestId = ""): CountinghouseError {
    return thrown instanceof CountinghouseError ? thrown : new CountinghouseError(ConnectError.from(thrown), requestId);
  }

  /** The typed error of a `google.rpc.Status`, such as an operation's. */
  static ofStatus(status: Status): CountinghouseError {
    const error = new ConnectError(status.message, status.code as Code);
    error.details = status.details.map((packed) => ({
      type: packed.typeUrl.slice(packed.typeUrl.lastIndexOf("/") + 1),
      value: packed.value,
    }));
    return new CountinghouseError(error);
  }

  /** An error that this client itself has found. */
  static own(message: string, code: Code): CountinghouseError {
    return new CountinghouseError(new ConnectError(message, code));
  }
}

/** A long-running operation ended without success; `code` is `Code.Canceled` when it was canceled. */
export class OperationFailed extends CountinghouseError {
  /** `operations/{operation}`. */
  readonly operation: string;

  constructor(operation: string, cause: CountinghouseError) {
    super(cause);
    this.operation = operation;
  }
}

/** Whether the error is what a lost connection, a bounded call that ran out, or a draining server looks like. */
export function isCut(error: CountinghouseError): boolean {
  if (error.code === Code.Unavailable || error.code === Code.DeadlineExceeded) return true;
  if (error.reason === TOKEN_EXPIRED) return true; // there may be a new one by then
  // A stream that HTTP/2 has reset: the server's own errors carry a reason.
  return error.reason === "" && [Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown].includes(error.code);
}

/** The request's id; empty when it has none. */
export function requestIdOf(message: Message): string {
  return (message as Message & { requestId?: string }).requestId ?? "";
}
