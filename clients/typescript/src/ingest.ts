// Bulk ingest: any number of rows over a few client streams, in bounded memory.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Client as ServiceClient, Code } from "@connectrpc/connect";

import { CountinghouseError, isCut, type Violation } from "./errors.js";
import {
  AccountingDetailSchema,
  type AccountingDetail,
  type IngestAccountingDetailsRequestSchema,
  type IngestAccountingDetailsResponse,
} from "./gen/countinghouse/gl_extraction/v1/accounting_details_pb.js";
import type { GLExtractionService } from "./gen/countinghouse/gl_extraction/v1/gl_extraction_service_pb.js";
import { leg } from "./leg.js";
import { Patience, type Persistence } from "./patience.js";

const STREAM_ROWS_MAX = 10_000; // of a stream of at most so many rows, the server lists every refusal
const STREAM_MS = 300_000;
const MESSAGE_ROWS_MAX = 1_000;
const MESSAGE_BYTES_MAX = 2 ** 20;

type Row = MessageInitShape<typeof AccountingDetailSchema>;
type Request = MessageInitShape<typeof IngestAccountingDetailsRequestSchema>;

/** A row that was left out. */
export interface Refusal {
  /** Its place among the rows handed in, from 0. */
  readonly row: number;
  readonly source: string;
  readonly externalId: string;
  readonly violations: readonly Violation[];
}

/** What became of the rows: received = created + unchanged + refused. */
export interface IngestTotals {
  received: number;
  /** Stored by this call. */
  created: number;
  /** There already with the same content, which includes those of a stream that was cut and sent again. */
  unchanged: number;
  refused: number;
}

/** How to ingest. */
export interface IngestOptions extends Persistence {
  /** Told of each refused row, in their order. */
  onRefusal?: (refusal: Refusal) => void;
  /** Told after each stream what became of the rows so far. */
  onProgress?: (totals: Readonly<IngestTotals>) => void;
  /** How many streams at once; 2 when not given. */
  streams?: number;
}

/** The rows of one stream, packed, so that it can be sent again when it is cut. */
class Batch {
  readonly messages: AccountingDetail[][] = [];
  readonly places: number[] = [];
  readonly tooLarge: Refusal[] = [];
  received = 0;
  #bytes = MESSAGE_BYTES_MAX;

  constructor(readonly firstRow: number) {}

  add(given: Row): void {
    const row = create(AccountingDetailSchema, given);
    const place = this.firstRow + this.received;
    const bytes = toBinary(AccountingDetailSchema, row).length + 8; // and the field's tag and length
    this.received += 1;
    if (bytes > MESSAGE_BYTES_MAX) {
      this.tooLarge.push(tooLarge(place, row, bytes));
      return;
    }
    const last = this.messages.at(-1);
    if (last === undefined || last.length === MESSAGE_ROWS_MAX || this.#bytes + bytes > MESSAGE_BYTES_MAX) {
      this.messages.push([row]);
      this.#bytes = bytes;
    } else {
      last.push(row);
      this.#bytes += bytes;
    }
    this.places.push(place);
  }

  refusals(answer: IngestAccountingDetailsResponse): Refusal[] {
    const told = answer.refusedRows.map(({ row, source, externalId, violations }) => ({
      row: this.places[Number(row)] ?? -1,
      source,
      externalId,
      violations: violations.map(({ field, reason, description }) => ({ field, reason, description })),
    }));
    return [...told, ...this.tooLarge].sort((one, other) => one.row - other.row);
  }

  async *requests(): AsyncGenerator<Request, void, undefined> {
    for (const accountingDetails of this.messages) yield { accountingDetails };
  }
}

/**
 * Send the rows; gives what became of them.
 *
 * Rows are taken from `rows` no further ahead than the streams under way. A stream that is cut is sent again: rows are
 * known by source and external id, so nothing is stored twice.
 */
export async function ingest(
  gl: ServiceClient<typeof GLExtractionService>,
  rows: Iterable<Row> | AsyncIterable<Row>,
  options: IngestOptions,
): Promise<IngestTotals> {
  const totals: IngestTotals = { received: 0, created: 0, unchanged: 0, refused: 0 };
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  const underWay: Promise<() => void>[] = [];
  const settle = async (): Promise<void> => {
    (await underWay.shift())?.();
    options.onProgress?.(totals);
  };
  try {
    for await (const batch of batches(rows)) {
      const sent = send(gl, batch, { ...options, signal }).then((answer) => () => add(totals, batch, answer, options));
      sent.catch(() => undefined); // it is awaited later, in its turn
      underWay.push(sent);
      if (underWay.length >= (options.streams ?? 2)) await settle();
    }
    while (underWay.length > 0) await settle();
    return totals;
  } finally {
    stop.abort();
  }
}

async function* batches(rows: Iterable<Row> | AsyncIterable<Row>): AsyncGenerator<Batch, void, undefined> {
  let batch = new Batch(0);
  for await (const row of rows) {
    batch.add(row);
    if (batch.received === STREAM_ROWS_MAX) {
      yield batch;
      batch = new Batch(batch.firstRow + batch.received);
    }
  }
  if (batch.received > 0) yield batch;
}

async function send(
  gl: ServiceClient<typeof GLExtractionService>,
  batch: Batch,
  options: Persistence & { signal: AbortSignal },
): Promise<IngestAccountingDetailsResponse> {
  const patience = new Patience(options);
  for (;;) {
    const { call, end } = leg(STREAM_MS, options.signal);
    try {
      return await gl.ingestAccountingDetails(batch.requests(), call);
    } catch (thrown) {
      options.signal.throwIfAborted();
      const error = CountinghouseError.of(thrown);
      if (!isCut(error) && ![Code.Aborted, Code.ResourceExhausted].includes(error.code)) throw error;
      await patience.wait(error);
    } finally {
      end();
    }
  }
}

function add(totals: IngestTotals, batch: Batch, answer: IngestAccountingDetailsResponse, options: IngestOptions): void {
  const refusals = batch.refusals(answer);
  totals.received += batch.received;
  totals.created += Number(answer.createdCount);
  totals.unchanged += Number(answer.unchangedCount);
  totals.refused += refusals.length;
  if (options.onRefusal !== undefined) refusals.forEach(options.onRefusal);
}

function tooLarge(row: number, { source, externalId }: AccountingDetail, bytes: number): Refusal {
  const description = `the row has ${bytes} bytes, more than the ${MESSAGE_BYTES_MAX} that a message may carry`;
  const violations = [{ field: "", reason: "ROW_TOO_LARGE", description }];
  return { row, source: source.slice(0, 64), externalId: externalId.slice(0, 128), violations };
}
