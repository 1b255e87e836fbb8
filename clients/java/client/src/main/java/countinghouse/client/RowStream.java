package countinghouse.client;

import countinghouse.glextraction.v1.AccountingDetail;
import countinghouse.glextraction.v1.GLExtractionServiceGrpc;
import countinghouse.glextraction.v1.IngestAccountingDetailsRequest;
import countinghouse.glextraction.v1.IngestAccountingDetailsResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The rows of one stream, packed, so that it can be sent again when it is cut. */
final class RowStream {
  private static final int ROWS_MAX = 10_000; // of a stream of at most so many rows, the server lists every refusal
  private static final int MESSAGE_ROWS_MAX = 1_000;
  private static final int MESSAGE_BYTES_MAX = 1 << 20; // well under the 4 MiB that a server takes in one message
  private static final long STREAM_S = 300;

  private final Client client;
  private final long first; // the place of its first row among all
  private final List<IngestAccountingDetailsRequest.Builder> requests = new ArrayList<>();
  private final List<Long> places = new ArrayList<>(); // of the rows sent, among all
  private final List<Ingest.Refusal> tooLarge = new ArrayList<>();
  private int size;
  private int bytes; // of the last request
  private Context.CancellableContext call;
  private CompletableFuture<IngestAccountingDetailsResponse> answer;

  RowStream(Client client, long first) {
    this.client = client;
    this.first = first;
  }

  /** Packs a row; one that no message can carry is refused here. */
  void add(AccountingDetail row) {
    long place = end();
    int rowBytes = row.getSerializedSize() + 8; // and the field's tag and length
    size++;
    if (rowBytes > MESSAGE_BYTES_MAX) {
      var violation = new Violation("", "ROW_TOO_LARGE", "the row is larger than a message may be");
      tooLarge.add(new Ingest.Refusal(place, row.getSource(), row.getExternalId(), List.of(violation)));
      return;
    }
    if (requests.isEmpty() || bytes + rowBytes > MESSAGE_BYTES_MAX || last().getAccountingDetailsCount() == MESSAGE_ROWS_MAX) {
      requests.add(IngestAccountingDetailsRequest.newBuilder());
      bytes = 0;
    }
    last().addAccountingDetails(row);
    bytes += rowBytes;
    places.add(place);
  }

  int size() {
    return size;
  }

  boolean isEmpty() {
    return size == 0;
  }

  boolean isFull() {
    return size == ROWS_MAX;
  }

  /** The place after its last row. */
  long end() {
    return first + size;
  }

  /** Sends the rows, for the first time or again; the answer comes later. */
  RowStream send() {
    var coming = new CompletableFuture<IngestAccountingDetailsResponse>();
    answer = coming;
    call = Context.current().withCancellation();
    call.run(() -> {
      var stub = GLExtractionServiceGrpc.newStub(client.channel()).withDeadlineAfter(STREAM_S, TimeUnit.SECONDS);
      StreamObserver<IngestAccountingDetailsRequest> rows = stub.ingestAccountingDetails(new StreamObserver<>() {
        @Override
        public void onNext(IngestAccountingDetailsResponse message) {
          coming.complete(message);
        }

        @Override
        public void onError(Throwable thrown) {
          coming.completeExceptionally(thrown);
        }

        @Override
        public void onCompleted() {
          coming.completeExceptionally(Status.INTERNAL.withDescription("no answer came").asRuntimeException());
        }
      });
      requests.forEach(request -> rows.onNext(request.build()));
      rows.onCompleted();
    });
    return this;
  }

  /** Waits for the answer. */
  IngestAccountingDetailsResponse answer() {
    try {
      return answer.get();
    } catch (ExecutionException failed) {
      if (failed.getCause() instanceof StatusRuntimeException thrown) {
        throw CountinghouseException.of(thrown);
      }
      throw new IllegalStateException(failed.getCause());
    } catch (InterruptedException interrupted) {
      cancel();
      Thread.currentThread().interrupt();
      throw CountinghouseException.own(Status.Code.CANCELLED, "", "interrupted while rows were sent");
    }
  }

  void cancel() {
    call.cancel(null);
  }

  /** Those of the server and those made here, in the order of the rows. */
  List<Ingest.Refusal> refusals(IngestAccountingDetailsResponse told) {
    var theirs = told.getRefusedRowsList().stream().map(row -> new Ingest.Refusal(
        places.get((int) row.getRow()),
        row.getSource(),
        row.getExternalId(),
        row.getViolationsList().stream()
            .map(one -> new Violation(one.getField(), one.getReason(), one.getDescription()))
            .toList()));
    return Stream.concat(theirs, tooLarge.stream()).sorted(Comparator.comparingLong(Ingest.Refusal::row)).toList();
  }

  private IngestAccountingDetailsRequest.Builder last() {
    return requests.get(requests.size() - 1);
  }
}
