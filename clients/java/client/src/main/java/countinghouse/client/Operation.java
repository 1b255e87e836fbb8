package countinghouse.client;

import com.google.longrunning.CancelOperationRequest;
import com.google.longrunning.DeleteOperationRequest;
import com.google.longrunning.GetOperationRequest;
import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import countinghouse.operations.v1.OperationProgress;
import countinghouse.operations.v1.PauseOperationRequest;
import countinghouse.operations.v1.RecoverOperationRequest;
import countinghouse.operations.v1.ResumeOperationRequest;
import io.grpc.Status;
import java.util.Optional;

/** A handle for one operation, whose response and metadata are of known types. */
public final class Operation<R extends Message, M extends Message> {
  private final Client client;
  private final com.google.longrunning.Operation started;
  private final Class<R> response;
  private final Class<M> metadata;

  Operation(Client client, com.google.longrunning.Operation started, Class<R> response, Class<M> metadata) {
    this.client = client;
    this.started = started;
    this.response = response;
    this.metadata = metadata;
  }

  /** {@code operations/{operation}}; empty for one that was done when it was started, such as a mere validation. */
  public String name() {
    return started.getName();
  }

  /** The operation as it stands. */
  public Snapshot<R, M> get() {
    if (started.getDone()) {
      return snapshot(started);
    }
    var request = GetOperationRequest.newBuilder().setName(name()).build();
    return snapshot(CountinghouseException.typed(() -> client.longRunning().getOperation(request)));
  }

  /** The operation as it stands, then after every change, until it is done; see {@link Watch}. */
  public Watch<R, M> watch() {
    return watch(0, Persistence.usual());
  }

  /** The same, from after the last sequence that was seen, with more or less patience. */
  public Watch<R, M> watch(long afterSequence, Persistence persistence) {
    return new Watch<>(client, this, started, afterSequence, new Patience(client, persistence));
  }

  /** The response, once the operation is done; throws what it ended with when it ended without success. */
  public R await() {
    try (var watch = watch()) {
      for (Snapshot<R, M> snapshot : watch) {
        if (snapshot.failure().isPresent()) {
          throw snapshot.failure().get();
        }
        if (snapshot.response().isPresent()) {
          return snapshot.response().get();
        }
      }
    }
    throw CountinghouseException.own(Status.Code.INTERNAL, "", name() + " ended with a response of another type");
  }

  /** Asks it to stop at its next safe point; watch it to learn what was done. */
  public void cancel() {
    var request = CancelOperationRequest.newBuilder().setName(name()).build();
    CountinghouseException.typed(() -> client.longRunning().cancelOperation(request));
  }

  /** Does nothing more of it until it is resumed; what was done stays. */
  public void pause() {
    var request = PauseOperationRequest.newBuilder().setName(name()).build();
    CountinghouseException.typed(() -> client.operations().pauseOperation(request));
  }

  /** Goes on with it from where it stood when it was paused. */
  public void resume() {
    var request = ResumeOperationRequest.newBuilder().setName(name()).build();
    CountinghouseException.typed(() -> client.operations().resumeOperation(request));
  }

  /** Runs it again from where it stood, after it failed and the cause was mended. */
  public void recover() {
    var request = RecoverOperationRequest.newBuilder().setName(name()).build();
    CountinghouseException.typed(() -> client.operations().recoverOperation(request));
  }

  /** Removes the record of an operation that has ended; what it made stays. */
  public void delete() {
    var request = DeleteOperationRequest.newBuilder().setName(name()).build();
    CountinghouseException.typed(() -> client.longRunning().deleteOperation(request));
  }

  Snapshot<R, M> snapshot(com.google.longrunning.Operation seen) {
    return snapshot(seen, 0, Timestamp.getDefaultInstance());
  }

  Snapshot<R, M> snapshot(com.google.longrunning.Operation seen, long sequence, Timestamp eventTime) {
    Optional<M> about = seen.hasMetadata() ? unpacked(seen.getMetadata(), metadata) : Optional.empty();
    Optional<R> result = seen.hasResponse() ? unpacked(seen.getResponse(), response) : Optional.empty();
    Optional<CountinghouseException> failure = seen.hasError()
        ? Optional.of(CountinghouseException.ofOperation(seen.getName(), seen.getError()))
        : Optional.empty();
    return new Snapshot<>(
        seen.getName(), seen.getDone(), progress(about), about, result, failure, sequence, eventTime);
  }

  /** Field {@code progress} of the metadata of every long-running method. */
  private static OperationProgress progress(Optional<? extends Message> metadata) {
    return metadata
        .map(message -> message.getField(message.getDescriptorForType().findFieldByName("progress")))
        .filter(OperationProgress.class::isInstance)
        .map(OperationProgress.class::cast)
        .orElse(OperationProgress.getDefaultInstance());
  }

  private static <T extends Message> Optional<T> unpacked(Any packed, Class<T> type) {
    if (!packed.is(type)) {
      return Optional.empty();
    }
    try {
      return Optional.of(packed.unpack(type));
    } catch (InvalidProtocolBufferException broken) {
      throw new IllegalStateException("the server sent a broken " + type.getSimpleName(), broken);
    }
  }
}
