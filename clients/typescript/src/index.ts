export { Code } from "@connectrpc/connect";

export { Client, connect, type Extraction } from "./client.js";
export { environment } from "./environment.js";
export { CountinghouseError, OperationFailed, type Resource, type Violation } from "./errors.js";
export type { DownloadOptions } from "./files.js";
export {
  type AccountingDetail,
  AccountingDetailSchema,
  Origin,
  SubjectType,
} from "./gen/countinghouse/gl_extraction/v1/accounting_details_pb.js";
export { OperationState, type StageProgress } from "./gen/countinghouse/operations/v1/operations_pb.js";
export type { IngestOptions, IngestTotals, Refusal } from "./ingest.js";
export { formatMoney, money, nanosOf, ofNanos, sum } from "./money.js";
export { Operation, type Snapshot, type WatchOptions } from "./operations.js";
export { pages } from "./paging.js";
export type { Persistence } from "./patience.js";
export type { ConnectOptions } from "./transport.js";
