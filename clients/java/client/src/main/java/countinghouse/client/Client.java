package countinghouse.client;

import com.google.longrunning.OperationsGrpc;
import countinghouse.accounting.v1.AccountingServiceGrpc;
import countinghouse.billing.v1.BillingServiceGrpc;
import countinghouse.glextraction.v1.AccountingDetail;
import countinghouse.glextraction.v1.GLExtractionServiceGrpc;
import countinghouse.glextraction.v1.GenerateAccountingMessageMetadata;
import countinghouse.glextraction.v1.GenerateAccountingMessageRequest;
import countinghouse.glextraction.v1.GenerateAccountingMessageResponse;
import countinghouse.invoicing.v1.InvoiceBatchServiceGrpc;
import countinghouse.operations.v1.ApprovalsServiceGrpc;
import countinghouse.operations.v1.AuditServiceGrpc;
import countinghouse.operations.v1.DataFile;
import countinghouse.operations.v1.DataFilesServiceGrpc;
import countinghouse.operations.v1.NotificationsServiceGrpc;
import countinghouse.operations.v1.OperationsServiceGrpc;
import countinghouse.operations.v1.SchedulesServiceGrpc;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/**
 * A connection to one server, with a typed stub of each service; any number of threads may share it.
 *
 * <p>Every call gets a deadline when it has none, a request id when it takes one and has none (AIP-155), and is made
 * again while the server is unavailable when that is safe. {@link CountinghouseException#of} makes a typed error of what
 * a stub throws; the methods of this class throw it themselves.
 */
public final class Client implements AutoCloseable {
  private static final long END_S = 5;

  private final ManagedChannel connection;
  private final Channel channel;

  Client(ManagedChannel connection, Calls calls) {
    this.connection = connection;
    this.channel = ClientInterceptors.intercept(connection, calls);
  }

  /** Settings of a connection to {@code host:port} or another gRPC name; {@link Connecting#connect} makes it. */
  public static Connecting to(String target) {
    return new Connecting(target);
  }

  /** A client as the variables of the {@code countinghouse} command say; see {@link Connecting#fromEnvironment}. */
  public static Client fromEnvironment() {
    return Connecting.fromEnvironment(System.getenv()).connect();
  }

  /** Accounting details, reference data, extraction. */
  public GLExtractionServiceGrpc.GLExtractionServiceBlockingStub gl() {
    return GLExtractionServiceGrpc.newBlockingStub(channel);
  }

  /** Claims, their operations, and what becomes of them. */
  public AccountingServiceGrpc.AccountingServiceBlockingStub accounting() {
    return AccountingServiceGrpc.newBlockingStub(channel);
  }

  /** What is billed to whom, by which rates and when. */
  public BillingServiceGrpc.BillingServiceBlockingStub billing() {
    return BillingServiceGrpc.newBlockingStub(channel);
  }

  /** Running invoices, the batches that close them, and what becomes of these. */
  public InvoiceBatchServiceGrpc.InvoiceBatchServiceBlockingStub invoicing() {
    return InvoiceBatchServiceGrpc.newBlockingStub(channel);
  }

  /** Watching, pausing and recovering operations. */
  public OperationsServiceGrpc.OperationsServiceBlockingStub operations() {
    return OperationsServiceGrpc.newBlockingStub(channel);
  }

  /** The standard service of operations: get, list, cancel, delete, wait. */
  public OperationsGrpc.OperationsBlockingStub longRunning() {
    return OperationsGrpc.newBlockingStub(channel);
  }

  /** Data file sets and their files. */
  public DataFilesServiceGrpc.DataFilesServiceBlockingStub files() {
    return DataFilesServiceGrpc.newBlockingStub(channel);
  }

  /** The audit trail. */
  public AuditServiceGrpc.AuditServiceBlockingStub audit() {
    return AuditServiceGrpc.newBlockingStub(channel);
  }

  /** Calls that take effect once a second person has agreed. */
  public ApprovalsServiceGrpc.ApprovalsServiceBlockingStub approvals() {
    return ApprovalsServiceGrpc.newBlockingStub(channel);
  }

  /** Operations that start by themselves. */
  public SchedulesServiceGrpc.SchedulesServiceBlockingStub schedules() {
    return SchedulesServiceGrpc.newBlockingStub(channel);
  }

  /** Who is told what has happened, and what became of it. */
  public NotificationsServiceGrpc.NotificationsServiceBlockingStub notifications() {
    return NotificationsServiceGrpc.newBlockingStub(channel);
  }

  /** The channel, for stubs of one's own: asynchronous ones, for example. Calls on it are treated alike. */
  public Channel channel() {
    return channel;
  }

  /** Takes in rows, however many; see {@link Ingest}. */
  public Ingest.Totals ingest(Iterable<AccountingDetail> rows, Ingest options) {
    return options.send(this, rows);
  }

  /** Starts an extraction; the handle comes back at once, to be watched or waited for. */
  public Operation<GenerateAccountingMessageResponse, GenerateAccountingMessageMetadata> extract(
      GenerateAccountingMessageRequest request) {
    var started = CountinghouseException.typed(() -> gl().generateAccountingMessage(request));
    return operation(
        started, GenerateAccountingMessageResponse.class, GenerateAccountingMessageMetadata.class);
  }

  /** A handle for an operation that a call of any method has started. */
  public <R extends com.google.protobuf.Message, M extends com.google.protobuf.Message> Operation<R, M> operation(
      com.google.longrunning.Operation started, Class<R> response, Class<M> metadata) {
    return new Operation<>(this, started, response, metadata);
  }

  /** A handle for an operation that is known by name; no call is made. */
  public <R extends com.google.protobuf.Message, M extends com.google.protobuf.Message> Operation<R, M> operation(
      String name, Class<R> response, Class<M> metadata) {
    var named = com.google.longrunning.Operation.newBuilder().setName(name).build();
    return new Operation<>(this, named, response, metadata);
  }

  /**
   * Fetches {@code dataFileSets/{code}/files/{file}} to {@code path}; gives the file's facts.
   *
   * <p>The bytes go to a temporary name beside {@code path}, are taken up again where a connection or an earlier download
   * was cut, and become {@code path} only once their SHA-256 is that of the file; what differs is DATA_LOSS.
   */
  public DataFile download(String name, Path path) throws IOException {
    return download(name, path, Persistence.usual());
  }

  /** The same, with more or less patience. */
  public DataFile download(String name, Path path, Persistence persistence) throws IOException {
    return Download.fetch(this, name, path, persistence);
  }

  /** Try at once to connect again, where a try is due only later. */
  void reconnect() {
    connection.resetConnectBackoff();
  }

  /** Ends the connection and the calls on it. */
  @Override
  public void close() {
    connection.shutdownNow();
    try {
      connection.awaitTermination(END_S, TimeUnit.SECONDS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
