// The client: one connection, every service, and what makes long work easy.

import type { DescMessage, DescService, MessageInitShape } from "@bufbuild/protobuf";
import { createClient, type Client as ServiceClient } from "@connectrpc/connect";

import { download, type DownloadOptions } from "./files.js";
import { AccountingService } from "./gen/countinghouse/accounting/v1/accounting_service_pb.js";
import { BillingService } from "./gen/countinghouse/billing/v1/billing_service_pb.js";
import type { AccountingDetailSchema } from "./gen/countinghouse/gl_extraction/v1/accounting_details_pb.js";
import {
  GenerateAccountingMessageMetadataSchema,
  type GenerateAccountingMessageRequestSchema,
  GenerateAccountingMessageResponseSchema,
} from "./gen/countinghouse/gl_extraction/v1/extraction_pb.js";
import { GLExtractionService } from "./gen/countinghouse/gl_extraction/v1/gl_extraction_service_pb.js";
import { InvoiceBatchService } from "./gen/countinghouse/invoicing/v1/invoice_batch_service_pb.js";
import { ApprovalsService } from "./gen/countinghouse/operations/v1/approvals_pb.js";
import { AuditService } from "./gen/countinghouse/operations/v1/audit_pb.js";
import { type DataFile, DataFilesService } from "./gen/countinghouse/operations/v1/data_files_pb.js";
import { NotificationsService } from "./gen/countinghouse/operations/v1/notifications_pb.js";
import { OperationsService } from "./gen/countinghouse/operations/v1/operations_pb.js";
import { SchedulesService } from "./gen/countinghouse/operations/v1/schedules_pb.js";
import { Operations, type Operation as OperationMessage } from "./gen/google/longrunning/operations_pb.js";
import { ingest, type IngestOptions, type IngestTotals } from "./ingest.js";
import { Operation } from "./operations.js";
import { type Connection, type ConnectOptions, open } from "./transport.js";

const EXTRACTION = {
  response: GenerateAccountingMessageResponseSchema,
  metadata: GenerateAccountingMessageMetadataSchema,
};

/** The operation of an extraction. */
export type Extraction = Operation<
  typeof GenerateAccountingMessageResponseSchema,
  typeof GenerateAccountingMessageMetadataSchema
>;

/**
 * Connect to `http://127.0.0.1:50051` or `https://…`; the connection is made when the first call needs it.
 *
 * Close the client when it is not needed any more: an open connection keeps the process running.
 */
export function connect(url: string, options: ConnectOptions = {}): Client {
  return new Client(open(url, options));
}

/** A connection to a server, with a typed stub of each service. */
export class Client {
  readonly #connection: Connection;
  /** Accounting details, reference data, extraction. */
  readonly gl: ServiceClient<typeof GLExtractionService>;
  /** Claims, their operations, and what becomes of them. */
  readonly accounting: ServiceClient<typeof AccountingService>;
  /** What is billed to whom, by which rates and when. */
  readonly billing: ServiceClient<typeof BillingService>;
  /** Running invoices, the batches that close them, and what becomes of these. */
  readonly invoicing: ServiceClient<typeof InvoiceBatchService>;
  /** Data file sets and their files. */
  readonly files: ServiceClient<typeof DataFilesService>;
  /** The audit trail. */
  readonly audit: ServiceClient<typeof AuditService>;
  /** Calls that take effect once a second person has agreed. */
  readonly approvals: ServiceClient<typeof ApprovalsService>;
  /** Operations that start by themselves. */
  readonly schedules: ServiceClient<typeof SchedulesService>;
  /** Who is told what has happened, and what became of it. */
  readonly notifications: ServiceClient<typeof NotificationsService>;
  /** Watching, pausing and recovering operations. */
  readonly operations: ServiceClient<typeof OperationsService>;
  /** The standard service of operations: get, list, cancel, delete, wait. */
  readonly longrunning: ServiceClient<typeof Operations>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.gl = this.service(GLExtractionService);
    this.accounting = this.service(AccountingService);
    this.billing = this.service(BillingService);
    this.invoicing = this.service(InvoiceBatchService);
    this.files = this.service(DataFilesService);
    this.audit = this.service(AuditService);
    this.approvals = this.service(ApprovalsService);
    this.schedules = this.service(SchedulesService);
    this.notifications = this.service(NotificationsService);
    this.operations = this.service(OperationsService);
    this.longrunning = this.service(Operations);
  }

  /** A typed stub of any service of the contract, such as one that is not named here. */
  service<T extends DescService>(service: T): ServiceClient<T> {
    return createClient(service, this.#connection.transport);
  }

  /** Take in rows, however many; see IngestOptions for refusals, progress and lost connections. */
  ingest(
    rows: Iterable<MessageInitShape<typeof AccountingDetailSchema>> | AsyncIterable<MessageInitShape<typeof AccountingDetailSchema>>,
    options: IngestOptions = {},
  ): Promise<IngestTotals> {
    return ingest(this.gl, rows, options);
  }

  /** Start an extraction; the handle comes back at once, to be watched or waited for. */
  async extract(request: MessageInitShape<typeof GenerateAccountingMessageRequestSchema>): Promise<Extraction> {
    return new Operation(this, await this.gl.generateAccountingMessage(request), EXTRACTION);
  }

  /** A handle for an extraction that is known by its operation's name; no call is made. */
  extraction(name: string): Extraction {
    return new Operation(this, name, EXTRACTION);
  }

  /** A handle for an operation of any method, started or known by name, given the types of its response and metadata. */
  operation<Response extends DescMessage, Metadata extends DescMessage>(
    started: OperationMessage | string,
    types: { response: Response; metadata: Metadata },
  ): Operation<Response, Metadata> {
    return new Operation(this, started, types);
  }

  /** Fetch `dataFileSets/{code}/files/{file}` to `path`, resumed where it was cut and checked by its SHA-256. */
  download(name: string, path: string, options: DownloadOptions = {}): Promise<DataFile> {
    return download(this.files, name, path, options);
  }

  /** End the connection and the calls on it. */
  close(): void {
    this.#connection.close();
  }
}
