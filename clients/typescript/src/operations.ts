// Long-running operations: watch, wait, pause, resume, cancel, recover.

import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { type Any, anyUnpack, type Timestamp } from "@bufbuild/protobuf/wkt";
import { type Client as ServiceClient, Code } from "@connectrpc/connect";

import { CountinghouseError, isCut, OperationFailed } from "./errors.js";
import {
  type OperationProgress,
  OperationProgressSchema,
  type OperationsService,
  type WatchOperationResponse,
} from "./gen/countinghouse/operations/v1/operations_pb.js";
import type { Operation as OperationMessage, Operations } from "./gen/google/longrunning/operations_pb.js";
import { leg } from "./leg.js";
import { Patience, type Persistence } from "./patience.js";

const LEG_MS = 600_000; // a watch is one bounded call after another

/** An operation as it stood. */
export interface Snapshot<Response, Metadata> {
  /** `operations/{operation}`. */
  readonly name: string;
  readonly done: boolean;
  /** State, stages with their counts, notices. */
  readonly progress: OperationProgress | undefined;
  readonly metadata: Metadata | undefined;
  /** The result; undefined until it has succeeded. */
  readonly response: Response | undefined;
  /** Why it ended without success. */
  readonly error: OperationFailed | undefined;
  /** The place in the operation's history, by which a watch resumes; 0 outside of a watch. */
  readonly sequence: bigint;
  /** When it happened; undefined outside of a watch. */
  readonly eventTime: Timestamp | undefined;
}

/** How to watch. */
export interface WatchOptions extends Persistence {
  /** The last sequence seen; only events after it come. */
  afterSequence?: bigint;
}

/** The two services that know operations. */
export interface OperationServices {
  readonly operations: ServiceClient<typeof OperationsService>;
  readonly longrunning: ServiceClient<typeof Operations>;
}

/** A handle for one operation, whose response and metadata are of known types. */
export class Operation<Response extends DescMessage, Metadata extends DescMessage> {
  readonly #services: OperationServices;
  readonly #response: Response;
  readonly #metadata: Metadata;
  readonly #ended: Snapshot<MessageShape<Response>, MessageShape<Metadata>> | undefined;
  /** `operations/{operation}`; empty for one that was done when it was started, such as a mere validation. */
  readonly name: string;

  constructor(
    services: OperationServices,
    started: OperationMessage | string,
    types: { response: Response; metadata: Metadata },
  ) {
    this.#services = services;
    this.#response = types.response;
    this.#metadata = types.metadata;
    this.name = typeof started === "string" ? started : started.name;
    if (typeof started !== "string" && started.done) this.#ended = this.#snapshot(started);
  }

  /** The operation as it stands. */
  async get(): Promise<Snapshot<MessageShape<Response>, MessageShape<Metadata>>> {
    return this.#ended ?? this.#snapshot(await this.#services.longrunning.getOperation({ name: this.name }));
  }

  /**
   * The operation as it stands, then after every change, until it is done.
   *
   * A lost connection is taken up again after the last event seen, also across a restart of the server.
   */
  async *watch(
    options: WatchOptions = {},
  ): AsyncGenerator<Snapshot<MessageShape<Response>, MessageShape<Metadata>>, void, undefined> {
    if (this.#ended !== undefined) {
      yield this.#ended;
      return;
    }
    const patience = new Patience(options);
    const asked = options.afterSequence ?? 0n;
    let sequence = asked;
    for (;;) {
      let silent = true;
      let cut: CountinghouseError;
      try {
        for await (const event of this.#events(sequence, options.signal)) {
          silent = false;
          patience.progressed();
          if (event.sequence > sequence) sequence = event.sequence;
          if (event.event.case !== "operation") continue;
          yield this.#snapshot(event.event.value, event.sequence, event.eventTime);
          if (event.event.value.done) return;
        }
        cut = CountinghouseError.own(`the watch of ${this.name} ended before the operation did`, Code.Unavailable);
        if (silent) sequence = 0n; // the end was seen before: ask for the present state, to see it here too
      } catch (thrown) {
        cut = CountinghouseError.of(thrown);
        options.signal?.throwIfAborted();
        const tooOld = cut.code === Code.OutOfRange && sequence !== asked;
        if (tooOld) sequence = 0n; // the present state stands for everything before it
        else if (!isCut(cut)) throw cut;
      }
      await patience.wait(cut);
    }
  }

  /** The response, once the operation is done; throws OperationFailed when it ended without success. */
  async wait(options: WatchOptions = {}): Promise<MessageShape<Response>> {
    for await (const snapshot of this.watch(options)) {
      if (snapshot.error !== undefined) throw snapshot.error;
      if (snapshot.response !== undefined) return snapshot.response;
    }
    throw CountinghouseError.own(`${this.name} ended with a response of another type`, Code.Internal);
  }

  /** Ask it to stop at its next safe point; watch it to learn what was done. */
  async cancel(): Promise<void> {
    await this.#services.longrunning.cancelOperation({ name: this.name });
  }

  /** Do nothing more of it until it is resumed; what was done stays. */
  async pause(): Promise<void> {
    await this.#services.operations.pauseOperation({ name: this.name });
  }

  /** Go on with it from where it stood when it was paused. */
  async resume(): Promise<void> {
    await this.#services.operations.resumeOperation({ name: this.name });
  }

  /** Run it again from where it stood, after it failed and the cause was mended. */
  async recover(): Promise<void> {
    await this.#services.operations.recoverOperation({ name: this.name });
  }

  /** Remove the record of an operation that has ended; what it made stays. */
  async delete(): Promise<void> {
    await this.#services.longrunning.deleteOperation({ name: this.name });
  }

  /** One call of the watch; it is ended when nobody reads on. */
  async *#events(afterSequence: bigint, signal: AbortSignal | undefined): AsyncGenerator<WatchOperationResponse> {
    const { call, end } = leg(LEG_MS, signal);
    try {
      yield* this.#services.operations.watchOperation({ name: this.name, afterSequence }, call);
    } finally {
      end();
    }
  }

  #snapshot(
    operation: OperationMessage,
    sequence = 0n,
    eventTime?: Timestamp,
  ): Snapshot<MessageShape<Response>, MessageShape<Metadata>> {
    const { name, done, metadata, result } = operation;
    const failed = result.case === "error" ? CountinghouseError.ofStatus(result.value) : undefined;
    return {
      name,
      done,
      progress: progressOf(metadata, this.#metadata),
      metadata: metadata && anyUnpack(metadata, this.#metadata),
      response: result.case === "response" ? anyUnpack(result.value, this.#response) : undefined,
      error: failed && new OperationFailed(name, failed),
      sequence,
      eventTime,
    };
  }
}

/** Field 1 of the metadata of every long-running method. */
function progressOf(metadata: Any | undefined, type: DescMessage): OperationProgress | undefined {
  const unpacked = metadata && (anyUnpack(metadata, type) as { progress?: OperationProgress } | undefined);
  return unpacked?.progress?.$typeName === OperationProgressSchema.typeName ? unpacked.progress : undefined;
}
