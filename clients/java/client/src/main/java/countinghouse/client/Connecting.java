package countinghouse.client;

import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** Who calls, and how the connection is secured. */
public final class Connecting {
  private static final int RECEIVED_MAX = 64 << 20; // a page of 1,000 wide details, or the refusals of a stream
  private static final Pattern THIS_MACHINE =
      Pattern.compile("(unix:.*|(dns:/*)?(localhost|127\\.[0-9.]+|\\[::1])(:\\d+)?)");

  private final String target;
  private Supplier<String> token;
  private boolean plaintextToken;
  private TlsChannelCredentials.Builder tls;
  private Duration timeout = Duration.ofMinutes(1);

  Connecting(String target) {
    this.target = target;
  }

  /**
   * What the {@code countinghouse} command reads: COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN or
   * COUNTINGHOUSE_CLIENT_TOKEN_FILE, COUNTINGHOUSE_CLIENT_TLS_CA, _CERT and _KEY.
   */
  public static Connecting fromEnvironment(Map<String, String> variables) {
    var made = new Connecting(variables.getOrDefault("COUNTINGHOUSE_ADDRESS", "127.0.0.1:50051"));
    String token = variables.get("COUNTINGHOUSE_TOKEN");
    String file = variables.get("COUNTINGHOUSE_CLIENT_TOKEN_FILE");
    if (token != null && file != null) {
      throw new IllegalArgumentException(
          "COUNTINGHOUSE_TOKEN and COUNTINGHOUSE_CLIENT_TOKEN_FILE exclude each other");
    }
    if (token != null) {
      made.token(token);
    }
    if (file != null) {
      made.token(() -> read(Path.of(file)));
    }
    String ca = variables.get("COUNTINGHOUSE_CLIENT_TLS_CA");
    String certificate = variables.get("COUNTINGHOUSE_CLIENT_TLS_CERT");
    String key = variables.get("COUNTINGHOUSE_CLIENT_TLS_KEY");
    if (ca != null) {
      made.authority(Path.of(ca));
    }
    if ((certificate == null) != (key == null)) {
      throw new IllegalArgumentException("a client certificate and its key go together");
    }
    if (certificate != null) {
      made.certificate(Path.of(certificate), Path.of(key));
    }
    return made;
  }

  /** A bearer token that never changes. */
  public Connecting token(String token) {
    return token(() -> token);
  }

  /** What gives the present bearer token; asked before every call. */
  public Connecting token(Supplier<String> token) {
    this.token = token;
    return this;
  }

  /** Sends the token although the connection is neither encrypted nor on this machine. */
  public Connecting plaintextToken() {
    this.plaintextToken = true;
    return this;
  }

  /** Encrypts, trusting the system's authorities. */
  public Connecting tls() {
    if (tls == null) {
      tls = TlsChannelCredentials.newBuilder();
    }
    return this;
  }

  /** Encrypts, trusting the authorities in a PEM file. */
  public Connecting authority(Path ca) {
    try {
      tls().tls.trustManager(ca.toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return this;
  }

  /** Encrypts, showing a certificate of one's own: PEM files, the key in PKCS #8. */
  public Connecting certificate(Path certificate, Path key) {
    try {
      tls().tls.keyManager(certificate.toFile(), key.toFile());
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return this;
  }

  /** The bound of a unary call that has no deadline; a minute when not given. */
  public Connecting timeout(Duration timeout) {
    this.timeout = timeout;
    return this;
  }

  /** A client; it connects with the first call. Refuses to send a token in clear text over a network. */
  public Client connect() {
    if (token != null && tls == null && !plaintextToken && !THIS_MACHINE.matcher(target).matches()) {
      throw new IllegalArgumentException(
          "the token would go to " + target + " in clear text: connect with TLS, or allow it with plaintextToken");
    }
    ChannelCredentials credentials = tls == null ? InsecureChannelCredentials.create() : tls.build();
    var channel = Grpc.newChannelBuilder(target, credentials)
        .userAgent("countinghouse-java/0.1.0")
        .maxInboundMessageSize(RECEIVED_MAX)
        .defaultServiceConfig(Calls.serviceConfig())
        .keepAliveTime(60, TimeUnit.SECONDS) // a dead peer is noticed within a minute and a half
        .keepAliveTimeout(20, TimeUnit.SECONDS)
        .build();
    return new Client(channel, new Calls(token, timeout));
  }

  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
  }
}
