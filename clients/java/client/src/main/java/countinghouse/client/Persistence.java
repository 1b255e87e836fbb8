package countinghouse.client;

import java.time.Duration;
import java.util.function.BiConsumer;

/**
 * How work goes on after a lost connection.
 *
 * @param patience how long to go on without any sign of the server
 * @param onRetry told of each lost connection and of the wait before the next try
 */
public record Persistence(Duration patience, BiConsumer<CountinghouseException, Duration> onRetry) {
  /** A minute and a half, told to nobody. */
  public static Persistence usual() {
    return new Persistence(Duration.ofSeconds(90), (error, wait) -> {});
  }

  /** The same, with more or less patience. */
  public Persistence withPatience(Duration patience) {
    return new Persistence(patience, onRetry);
  }

  /** The same, told to somebody. */
  public Persistence withOnRetry(BiConsumer<CountinghouseException, Duration> onRetry) {
    return new Persistence(patience, onRetry);
  }
}
