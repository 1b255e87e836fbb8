package countinghouse.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Bounds the time without progress, and spaces the tries.
 *
 * <p>Waits grow from 0.1 to 5 seconds and vary by half, so that callers who lost the same server do not come back in step;
 * what the server asks for goes before. An expired token is tried again once, as there may be a new one by then.
 */
final class Patience {
  private static final long FIRST_MS = 100;
  private static final long LONGEST_MS = 5_000;
  private static final int DOUBLINGS_MAX = 6;

  private final Client client;
  private final Persistence persistence;
  private long progressAt = System.nanoTime();
  private int tries;

  Patience(Client client, Persistence persistence) {
    this.client = client;
    this.persistence = persistence;
  }

  /** Starts counting anew: something was received. */
  void progressed() {
    progressAt = System.nanoTime();
    tries = 0;
  }

  /** Waits before the next try; throws the error itself when patience would run out before it. */
  void await(CountinghouseException error) {
    double backoffMs = Math.min(LONGEST_MS, FIRST_MS << Math.min(tries, DOUBLINGS_MAX)) * ThreadLocalRandom.current().nextDouble(0.5, 1.5);
    long askedMs = error.retryDelay().map(Duration::toMillis).orElse(0L);
    var delay = Duration.ofMillis(Math.max((long) backoffMs, askedMs));
    var since = Duration.ofNanos(System.nanoTime() - progressAt);
    boolean expiredAgain = error.reason().equals(CountinghouseException.TOKEN_EXPIRED) && tries > 0;
    if (expiredAgain || since.plus(delay).compareTo(persistence.patience()) > 0) {
      throw error;
    }
    tries++;
    persistence.onRetry().accept(error, delay);
    try {
      TimeUnit.MILLISECONDS.sleep(delay.toMillis());
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw CountinghouseException.own(Status.Code.CANCELLED, "", "interrupted while waiting for the server");
    }
    client.reconnect();
  }
}
