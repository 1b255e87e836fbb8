package countinghouse.client;

import com.google.protobuf.Message;
import countinghouse.operations.v1.WatchOperationRequest;
import countinghouse.operations.v1.WatchOperationResponse;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;

/**
 * An operation as it stands, then after every change, until it is done.
 *
 * <p>A lost connection is taken up again after the last event seen, also across a restart of the server. Who stops before
 * the end closes it.
 */
public final class Watch<R extends Message, M extends Message>
    implements Iterable<Snapshot<R, M>>, Iterator<Snapshot<R, M>>, AutoCloseable {
  private static final long LEG_S = 600; // a watch is one bounded call after another

  private final Client client;
  private final Operation<R, M> operation;
  private final Patience patience;
  private final long asked;
  private long sequence;
  private boolean silent; // whether the last call brought nothing
  private boolean over;
  private Snapshot<R, M> next;
  private Context.CancellableContext call;
  private Iterator<WatchOperationResponse> events;

  Watch(Client client, Operation<R, M> operation, com.google.longrunning.Operation started, long afterSequence, Patience patience) {
    this.client = client;
    this.operation = operation;
    this.patience = patience;
    this.asked = afterSequence;
    this.sequence = afterSequence;
    if (started.getDone()) {
      next = operation.snapshot(started);
      over = true;
    }
  }

  @Override
  public Iterator<Snapshot<R, M>> iterator() {
    return this;
  }

  /** Waits for the next change; throws what the server refused, or the last error when patience ran out. */
  @Override
  public boolean hasNext() {
    while (next == null && !over) {
      try {
        advance();
      } catch (StatusRuntimeException thrown) {
        close();
        if (Thread.currentThread().isInterrupted()) {
          throw CountinghouseException.of(thrown);
        }
        resume(CountinghouseException.of(thrown));
      }
    }
    return next != null;
  }

  @Override
  public Snapshot<R, M> next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Snapshot<R, M> given = next;
    next = null;
    return given;
  }

  /** Ends the call under way. */
  @Override
  public void close() {
    if (call != null) {
      call.cancel(null);
    }
    events = null;
  }

  /** Takes one event of the call under way, or of a new one. */
  private void advance() {
    if (events == null) {
      silent = true;
      var request = WatchOperationRequest.newBuilder().setName(operation.name()).setAfterSequence(sequence).build();
      call = Context.current().withCancellation();
      call.run(() -> events = client.operations().withDeadlineAfter(LEG_S, TimeUnit.SECONDS).watchOperation(request));
    }
    if (!events.hasNext()) {
      if (silent) {
        sequence = 0; // the end was seen before: ask for the present state, to see it here too
      }
      throw CountinghouseException.own(
          Status.Code.UNAVAILABLE, "", "the watch of " + operation.name() + " ended before the operation did");
    }
    WatchOperationResponse event = events.next();
    patience.progressed();
    silent = false;
    sequence = Math.max(sequence, event.getSequence());
    if (event.hasOperation()) {
      next = operation.snapshot(event.getOperation(), event.getSequence(), event.getEventTime());
      over = next.done();
      if (over) {
        close();
      }
    }
  }

  private void resume(CountinghouseException cut) {
    if (cut.code() == Status.Code.OUT_OF_RANGE && sequence != asked) {
      sequence = 0; // the present state stands for everything before it
    } else if (!cut.isCut()) {
      throw cut;
    }
    patience.await(cut);
  }
}
