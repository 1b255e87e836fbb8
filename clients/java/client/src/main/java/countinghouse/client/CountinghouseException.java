package countinghouse.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.ResourceInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What a call, an operation or a download that did not succeed comes to, with everything that the server told. */
public final class CountinghouseException extends StatusRuntimeException {
  static final String TOKEN_EXPIRED = "TOKEN_EXPIRED";
  private static final long serialVersionUID = 1;

  private final transient com.google.rpc.Status told;
  private final String ownReason;
  private final String operation;

  private CountinghouseException(com.google.rpc.Status told, Metadata trailers, Throwable cause, String reason, String operation) {
    super(Status.fromCodeValue(told.getCode()).withDescription(told.getMessage()).withCause(cause), trailers);
    this.told = told;
    this.ownReason = reason;
    this.operation = operation;
  }

  /** The typed error of what a stub threw. */
  public static CountinghouseException of(StatusRuntimeException thrown) {
    if (thrown instanceof CountinghouseException typed) {
      return typed;
    }
    return new CountinghouseException(StatusProto.fromThrowable(thrown), thrown.getTrailers(), thrown, "", "");
  }

  /** What the call gives; what it throws is typed. */
  static <T> T typed(Supplier<T> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException thrown) {
      throw of(thrown);
    }
  }

  /** The error of an operation that ended without success. */
  static CountinghouseException ofOperation(String name, com.google.rpc.Status told) {
    return new CountinghouseException(told, null, null, "", name);
  }

  /** An error that this client itself has found. */
  static CountinghouseException own(Status.Code code, String reason, String message) {
    var told = com.google.rpc.Status.newBuilder().setCode(code.value()).setMessage(message).build();
    return new CountinghouseException(told, null, null, reason, "");
  }

  /** The canonical status. */
  public Status.Code code() {
    return getStatus().getCode();
  }

  /** The stable reason, such as {@code REQUEST_ID_REUSED}; empty when there is none. */
  public String reason() {
    return info().map(ErrorInfo::getReason).orElse(ownReason);
  }

  /** Values that belong to the reason. */
  public Map<String, String> values() {
    return info().map(ErrorInfo::getMetadataMap).orElse(Map.of());
  }

  /** Everything that is wrong with the request. */
  public List<Violation> violations() {
    return each(BadRequest.class, bad -> bad.getFieldViolationsList().stream())
        .map(one -> new Violation(one.getField(), one.getReason(), one.getDescription()))
        .toList();
  }

  /** What stands against the call in the state of the system. */
  public List<String> preconditions() {
    return each(PreconditionFailure.class, failure -> failure.getViolationsList().stream())
        .map(PreconditionFailure.Violation::getDescription)
        .toList();
  }

  /** What is missing or in the way. */
  public List<ResourceInfo> resources() {
    return each(ResourceInfo.class, Stream::of).toList();
  }

  /** How long the server asks to wait before another try. */
  public Optional<Duration> retryDelay() {
    return each(RetryInfo.class, Stream::of)
        .map(retry -> Duration.ofSeconds(retry.getRetryDelay().getSeconds(), retry.getRetryDelay().getNanos()))
        .findFirst();
  }

  /** Whether the same call may succeed later without anything being mended. */
  public boolean retryable() {
    return code() == Status.Code.UNAVAILABLE
        || code() == Status.Code.RESOURCE_EXHAUSTED && retryDelay().isPresent();
  }

  /** The id that the call was made with; repeat it with that when its outcome is not known. Empty when it takes none. */
  public String requestId() {
    String id = getTrailers() == null ? null : getTrailers().get(Calls.REQUEST_ID);
    return id == null ? "" : id;
  }

  /** {@code operations/{operation}}, of one that ended without success; empty otherwise. */
  public String operation() {
    return operation;
  }

  /** The message with its reason, and each violation on a line of its own. */
  @Override
  public String getMessage() {
    var text = new StringBuilder(operation == null || operation.isEmpty() ? "" : operation + " failed: ");
    text.append(super.getMessage());
    if (told == null) {
      return text.toString(); // while it is being made
    }
    if (!reason().isEmpty()) {
      text.append(" [").append(reason()).append(']');
    }
    violations().forEach(v ->
        text.append("\n  ").append(v.field()).append(": ").append(v.description()).append(" [").append(v.reason()).append(']'));
    preconditions().forEach(each -> text.append("\n  ").append(each));
    return text.toString();
  }

  /** Whether it is what a lost connection, a bounded call that ran out, or a draining server looks like. */
  boolean isCut() {
    return switch (code()) {
      case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED -> true;
      case INTERNAL, UNKNOWN -> reason().isEmpty(); // a stream that was reset: the server's own errors carry a reason
      default -> reason().equals(TOKEN_EXPIRED);
    };
  }

  private Optional<ErrorInfo> info() {
    return each(ErrorInfo.class, Stream::of).findFirst();
  }

  private <D extends Message, T> Stream<T> each(Class<D> kind, Function<D, Stream<T>> of) {
    return told.getDetailsList().stream().filter(packed -> packed.is(kind)).map(packed -> unpacked(packed, kind)).flatMap(of);
  }

  private static <D extends Message> D unpacked(Any packed, Class<D> kind) {
    try {
      return packed.unpack(kind);
    } catch (InvalidProtocolBufferException broken) {
      throw new IllegalStateException("the server sent a broken " + kind.getSimpleName(), broken);
    }
  }
}
