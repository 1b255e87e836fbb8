package countinghouse.client;

import com.google.longrunning.OperationsGrpc;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import countinghouse.accounting.v1.AccountingServiceGrpc;
import countinghouse.billing.v1.BillingServiceGrpc;
import countinghouse.glextraction.v1.GLExtractionServiceGrpc;
import countinghouse.invoicing.v1.InvoiceBatchServiceGrpc;
import countinghouse.operations.v1.ApprovalsServiceGrpc;
import countinghouse.operations.v1.AuditServiceGrpc;
import countinghouse.operations.v1.DataFilesServiceGrpc;
import countinghouse.operations.v1.NotificationsServiceGrpc;
import countinghouse.operations.v1.OperationsServiceGrpc;
import countinghouse.operations.v1.SchedulesServiceGrpc;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.protobuf.ProtoMethodDescriptorSupplier;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Does to every call what a caller should not have to think of: deadline, token, request id, tries. */
final class Calls implements ClientInterceptor {
  /** Where the request id of a failed call stands, for the exception to tell. */
  static final Metadata.Key<String> REQUEST_ID =
      Metadata.Key.of("countinghouse-request-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Duration REPORT_TIMEOUT = Duration.ofMinutes(15);
  private static final double TRIES_MAX = 5; // what gRPC caps it at; a number of a service config is a double
  private static final Pattern SAFE =
      Pattern.compile("(Get|List|Wait|Check|Reconcile|Cancel).*"); // canceling twice is canceling once
  private static final Pattern REPORT = Pattern.compile("(Check|Reconcile).*"); // reads very much, whatever is asked
  private static final List<ServiceDescriptor> CONTRACT = List.of(
      GLExtractionServiceGrpc.getServiceDescriptor(),
      AccountingServiceGrpc.getServiceDescriptor(),
      BillingServiceGrpc.getServiceDescriptor(),
      InvoiceBatchServiceGrpc.getServiceDescriptor(),
      OperationsServiceGrpc.getServiceDescriptor(),
      DataFilesServiceGrpc.getServiceDescriptor(),
      AuditServiceGrpc.getServiceDescriptor(),
      ApprovalsServiceGrpc.getServiceDescriptor(),
      SchedulesServiceGrpc.getServiceDescriptor(),
      NotificationsServiceGrpc.getServiceDescriptor(),
      OperationsGrpc.getServiceDescriptor());

  private final Supplier<String> token;
  private final Duration timeout;

  Calls(Supplier<String> token, Duration timeout) {
    this.token = token;
    this.timeout = timeout;
  }

  /**
   * Which methods are tried again while the server is unavailable: unary ones that change nothing, and those whose request
   * carries a request id. Streams are taken up by this client itself, where they stood.
   */
  static Map<String, ?> serviceConfig() {
    var names = CONTRACT.stream()
        .flatMap(service -> service.getMethods().stream())
        .filter(Calls::safeToRepeat)
        .map(method -> Map.of("service", method.getServiceName(), "method", method.getBareMethodName()))
        .toList();
    var policy = Map.of(
        "maxAttempts", TRIES_MAX,
        "initialBackoff", "0.1s",
        "maxBackoff", "2s",
        "backoffMultiplier", 3.0,
        // A server that stops ends what it has not begun with CANCELLED; what this process cancels is never retried.
        "retryableStatusCodes", List.of("UNAVAILABLE", "CANCELLED"));
    return Map.of("methodConfig", List.of(Map.of("name", names, "retryPolicy", policy)));
  }

  private static boolean safeToRepeat(MethodDescriptor<?, ?> method) {
    if (method.getType() != MethodType.UNARY) {
      return false;
    }
    var described = ((ProtoMethodDescriptorSupplier) method.getSchemaDescriptor()).getMethodDescriptor();
    return SAFE.matcher(described.getName()).matches() || requestId(described.getInputType()) != null;
  }

  @Override
  public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
    if (options.getDeadline() == null && method.getType() == MethodType.UNARY) {
      boolean report = REPORT.matcher(method.getBareMethodName()).matches();
      Duration bound = report && timeout.compareTo(REPORT_TIMEOUT) < 0 ? REPORT_TIMEOUT : timeout;
      options = options.withDeadlineAfter(bound.toNanos(), TimeUnit.NANOSECONDS);
    }
    return new Call<>(next.newCall(method, options));
  }

  private final class Call<Q, A> extends SimpleForwardingClientCall<Q, A> {
    private String requestId = "";

    Call(ClientCall<Q, A> call) {
      super(call);
    }

    @Override
    public void start(Listener<A> listener, Metadata headers) {
      if (token != null) {
        headers.put(AUTHORIZATION, "Bearer " + token.get());
      }
      super.start(new SimpleForwardingClientCallListener<>(listener) {
        @Override
        public void onClose(Status status, Metadata trailers) {
          if (!requestId.isEmpty()) {
            trailers.put(REQUEST_ID, requestId);
          }
          super.onClose(status, trailers);
        }
      }, headers);
    }

    @Override
    @SuppressWarnings("unchecked")
    public void sendMessage(Q given) {
      Message request = stamped((Message) given);
      FieldDescriptor field = requestId(request.getDescriptorForType());
      requestId = field == null ? "" : (String) request.getField(field);
      super.sendMessage((Q) request);
    }
  }

  /** The request with an id of its own, when it takes one and has none (AIP-155); it is kept over all tries. */
  static Message stamped(Message request) {
    FieldDescriptor field = requestId(request.getDescriptorForType());
    if (field == null || !((String) request.getField(field)).isEmpty()) {
      return request;
    }
    return request.toBuilder().setField(field, UUID.randomUUID().toString()).build();
  }

  private static FieldDescriptor requestId(com.google.protobuf.Descriptors.Descriptor type) {
    return type.findFieldByName("request_id");
  }
}
