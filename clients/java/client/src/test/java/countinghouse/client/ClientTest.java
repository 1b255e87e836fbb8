package countinghouse.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import countinghouse.glextraction.v1.CreateLedgerRequest;
import countinghouse.glextraction.v1.GLExtractionServiceGrpc;
import countinghouse.glextraction.v1.GenerateAccountingMessageMetadata;
import countinghouse.glextraction.v1.GenerateAccountingMessageResponse;
import countinghouse.glextraction.v1.Ledger;
import countinghouse.glextraction.v1.ListLedgersRequest;
import countinghouse.glextraction.v1.ListLedgersResponse;
import countinghouse.operations.v1.DataFile;
import countinghouse.operations.v1.DataFilesServiceGrpc;
import countinghouse.operations.v1.DownloadDataFileRequest;
import countinghouse.operations.v1.DownloadDataFileResponse;
import countinghouse.operations.v1.GetDataFileRequest;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Against a server that refuses as often as it is told, and remembers what it was asked. */
final class ClientTest {
  private static final String FILE = "dataFileSets/A/files/a";
  private static final String SHA256_OF_DIGITS = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

  private final Queue<StatusRuntimeException> refusals = new ArrayDeque<>();
  private final List<String> requestIds = new ArrayList<>();
  private final List<Long> offsets = new ArrayList<>();
  private String content = "0123456789";
  private Server server;
  private Client client;

  @BeforeEach
  void open() throws IOException {
    server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
        .addService(new Books())
        .addService(new Shelf())
        .build()
        .start();
    client = Client.to("127.0.0.1:" + server.getPort()).connect();
  }

  @AfterEach
  void close() {
    client.close();
    server.shutdownNow();
  }

  @Test
  void oneRequestIdIsKeptOverAllTries() {
    refusals.add(Status.UNAVAILABLE.asRuntimeException());
    refusals.add(Status.UNAVAILABLE.asRuntimeException());
    client.gl().createLedger(CreateLedgerRequest.getDefaultInstance());
    assertEquals(3, requestIds.size());
    assertEquals(1, Set.copyOf(requestIds).size());
    assertEquals(36, requestIds.get(0).length());
  }

  @Test
  void triesHaveAnEnd() {
    for (int i = 0; i < 10; i++) {
      refusals.add(Status.UNAVAILABLE.asRuntimeException());
    }
    var request = CreateLedgerRequest.newBuilder().setRequestId("mine").build();
    var error = refused(() -> client.gl().createLedger(request));
    assertTrue(error.retryable());
    assertEquals("mine", error.requestId());
    assertTrue(requestIds.size() <= 5, requestIds.toString());
  }

  @Test
  void anErrorTellsAllThatTheServerDid() {
    var told = com.google.rpc.Status.newBuilder().setCode(Code.INVALID_ARGUMENT_VALUE).setMessage("no");
    var wrong = BadRequest.FieldViolation.newBuilder().setField("ledger.code").setReason("EMPTY").setDescription("is empty");
    told.addDetails(Any.pack(ErrorInfo.newBuilder().setReason("WRONG").putMetadata("a", "b").build()));
    told.addDetails(Any.pack(BadRequest.newBuilder().addFieldViolations(wrong).build()));
    told.addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(Duration.newBuilder().setSeconds(1)).build()));
    refusals.add(StatusProto.toStatusRuntimeException(told.build()));
    var error = refused(() -> client.gl().createLedger(CreateLedgerRequest.getDefaultInstance()));
    assertEquals(Status.Code.INVALID_ARGUMENT, error.code());
    assertEquals("WRONG", error.reason());
    assertEquals(Map.of("a", "b"), error.values());
    assertEquals(List.of(new Violation("ledger.code", "EMPTY", "is empty")), error.violations());
    assertEquals(1, error.retryDelay().orElseThrow().toSeconds());
    assertFalse(error.retryable());
    assertTrue(error.getMessage().contains("[WRONG]"), error.getMessage());
    assertEquals(1, requestIds.size(), "what is wrong was tried again");
  }

  @Test
  void pagesAreFetchedAsTheyAreAskedFor() {
    var codes = new ArrayList<String>();
    var ledgers = Pages.of(
        client.gl()::listLedgers, ListLedgersRequest.getDefaultInstance(), ListLedgersResponse::getLedgersList);
    ledgers.forEach(ledger -> codes.add(ledger.getCode()));
    assertEquals(List.of("L", "Lb", "Lc"), codes);
  }

  @Test
  void aDownloadGoesOnWhereItWasCutAndIsProven(@TempDir Path folder) throws IOException {
    refusals.add(Status.UNAVAILABLE.asRuntimeException());
    Path path = folder.resolve("a");
    client.download(FILE, path);
    assertEquals(content, Files.readString(path));
    assertEquals(List.of(0L, 5L), offsets);
    content = "0123456780";
    var error = assertThrows(CountinghouseException.class, () -> client.download(FILE, path));
    assertEquals("DOWNLOAD_SHA256_MISMATCH", error.reason());
    try (var left = Files.list(folder)) {
      assertEquals(List.of(path), left.toList());
    }
  }

  @Test
  void patienceEnds() {
    server.shutdownNow();
    var impatient = Persistence.usual().withPatience(java.time.Duration.ofMillis(200));
    var run = client.operation(
        "operations/a", GenerateAccountingMessageResponse.class, GenerateAccountingMessageMetadata.class);
    var error = assertThrows(CountinghouseException.class, () -> run.watch(0, impatient).hasNext());
    assertEquals(Status.Code.UNAVAILABLE, error.code());
  }

  @Test
  void aTokenDoesNotGoInClearTextOverANetwork() {
    var far = Client.to("books.example.com:50051").token("secret");
    assertThrows(IllegalArgumentException.class, far::connect);
    far.plaintextToken().connect().close();
    for (String near : List.of("localhost:1", "dns:///127.0.0.1:1", "[::1]:1")) {
      Client.to(near).token("secret").connect().close();
    }
  }

  @Test
  void anAmountGoesInAndOutAsItWasWritten() {
    for (String text : List.of("0.00", "100.25", "-0.01", "9007199254740993.10", "0.000000001", "-7.50")) {
      assertEquals(text + " EUR", Amounts.format(Amounts.money(text, "EUR"), 2));
    }
    assertEquals("5 JPY", Amounts.format(Amounts.money("5", "JPY"), 0));
    for (String text : List.of("1.0000000001", "9223372036854775808", "")) {
      assertThrows(ArithmeticException.class, () -> Amounts.money(text.isEmpty() ? "1e30" : text, "EUR"), text);
    }
  }

  private static CountinghouseException refused(Runnable call) {
    return CountinghouseException.of(assertThrows(StatusRuntimeException.class, call::run));
  }

  private <T> void answer(StreamObserver<T> to, T message) {
    var refusal = refusals.poll();
    if (refusal != null) {
      to.onError(refusal);
      return;
    }
    to.onNext(message);
    to.onCompleted();
  }

  private final class Books extends GLExtractionServiceGrpc.GLExtractionServiceImplBase {
    @Override
    public void createLedger(CreateLedgerRequest request, StreamObserver<Ledger> to) {
      requestIds.add(request.getRequestId());
      answer(to, request.getLedger());
    }

    @Override
    public void listLedgers(ListLedgersRequest request, StreamObserver<ListLedgersResponse> to) {
      String next = Map.of("", "b", "b", "c", "c", "").get(request.getPageToken());
      var ledger = Ledger.newBuilder().setCode("L" + request.getPageToken());
      answer(to, ListLedgersResponse.newBuilder().addLedgers(ledger).setNextPageToken(next).build());
    }
  }

  private final class Shelf extends DataFilesServiceGrpc.DataFilesServiceImplBase {
    @Override
    public void getDataFile(GetDataFileRequest request, StreamObserver<DataFile> to) {
      to.onNext(DataFile.newBuilder().setName(FILE).setSizeBytes(10).setSha256(SHA256_OF_DIGITS).build());
      to.onCompleted();
    }

    /** Sends half of what is left, and ends as it is told. */
    @Override
    public void downloadDataFile(DownloadDataFileRequest request, StreamObserver<DownloadDataFileResponse> to) {
      offsets.add(request.getOffset());
      var rest = ByteString.copyFromUtf8(content).substring((int) request.getOffset());
      int half = (rest.size() + 1) / 2;
      to.onNext(piece(request.getOffset(), rest.substring(0, half)));
      answer(to, piece(request.getOffset() + half, rest.substring(half)));
    }

    private DownloadDataFileResponse piece(long offset, ByteString bytes) {
      return DownloadDataFileResponse.newBuilder().setOffset(offset).setContent(bytes).build();
    }
  }
}
