package countinghouse.client;

import countinghouse.glextraction.v1.AccountingDetail;
import io.grpc.Status;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Consumer;

/**
 * How to take in rows.
 *
 * <p>They are taken from the iterable no further ahead than the two streams under way, of at most 10,000 rows each. A stream
 * that is cut is sent again: rows are known by source and external id, so nothing is stored twice. After an error, send the
 * same rows again.
 *
 * @param persistence how to go on after a lost connection
 * @param onRefusal told of each refused row, in their order
 * @param onProgress told after each stream what became of the rows so far
 */
public record Ingest(Persistence persistence, Consumer<Refusal> onRefusal, Consumer<Totals> onProgress) {
  private static final int STREAMS = 2;

  /**
   * What became of the rows: received = created + unchanged + refused.
   *
   * @param created stored by this call
   * @param unchanged there already with the same content; those of a stream that was cut and sent again, too
   */
  public record Totals(long received, long created, long unchanged, long refused) {}

  /**
   * A row that was left out.
   *
   * @param row its place among the rows handed in, from 0
   */
  public record Refusal(long row, String source, String externalId, List<Violation> violations) {}

  /** With the usual patience, told to nobody. */
  public static Ingest usual() {
    return new Ingest(Persistence.usual(), refusal -> {}, totals -> {});
  }

  /** The same, telling of refused rows. */
  public Ingest withOnRefusal(Consumer<Refusal> onRefusal) {
    return new Ingest(persistence, onRefusal, onProgress);
  }

  /** The same, telling of progress. */
  public Ingest withOnProgress(Consumer<Totals> onProgress) {
    return new Ingest(persistence, onRefusal, onProgress);
  }

  /** The same, with another patience. */
  public Ingest withPersistence(Persistence persistence) {
    return new Ingest(persistence, onRefusal, onProgress);
  }

  Totals send(Client client, Iterable<AccountingDetail> rows) {
    var underWay = new ArrayDeque<RowStream>();
    var totals = new Totals(0, 0, 0, 0);
    try {
      var filling = new RowStream(client, 0);
      for (AccountingDetail row : rows) {
        filling.add(row);
        if (filling.isFull()) {
          underWay.add(filling.send());
          filling = new RowStream(client, filling.end());
          if (underWay.size() == STREAMS) {
            totals = settle(underWay.remove(), new Patience(client, persistence), totals);
          }
        }
      }
      if (!filling.isEmpty()) {
        underWay.add(filling.send());
      }
      while (!underWay.isEmpty()) {
        totals = settle(underWay.remove(), new Patience(client, persistence), totals);
      }
    } finally {
      underWay.forEach(RowStream::cancel);
    }
    return totals;
  }

  private Totals settle(RowStream stream, Patience patience, Totals before) {
    while (true) {
      try {
        var answer = stream.answer();
        List<Refusal> refusals = stream.refusals(answer);
        refusals.forEach(onRefusal);
        var totals = new Totals(
            before.received() + stream.size(),
            before.created() + answer.getCreatedCount(),
            before.unchanged() + answer.getUnchangedCount(),
            before.refused() + refusals.size());
        onProgress.accept(totals);
        return totals;
      } catch (CountinghouseException cut) {
        boolean busy = cut.code() == Status.Code.ABORTED || cut.code() == Status.Code.RESOURCE_EXHAUSTED;
        if (!(cut.isCut() || busy) || Thread.currentThread().isInterrupted()) {
          throw cut;
        }
        patience.await(cut);
        stream.send();
      }
    }
  }
}
