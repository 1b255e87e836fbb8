package countinghouse.client;

import com.google.protobuf.Message;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/** Lists, page by page. */
public final class Pages {
  private Pages() {}

  /**
   * Every item of a list; the next page is fetched when it is asked for.
   *
   * <pre>{@code
   * for (Ledger ledger : Pages.of(client.gl()::listLedgers, ListLedgersRequest.getDefaultInstance(),
   *     ListLedgersResponse::getLedgersList)) …
   * }</pre>
   */
  public static <Q extends Message, A extends Message, T> Iterable<T> of(
      Function<Q, A> list, Q request, Function<A, List<T>> items) {
    return () -> new Iterator<>() {
      private Q asked = request;
      private Iterator<T> page = List.<T>of().iterator();

      @Override
      public boolean hasNext() {
        while (!page.hasNext() && asked != null) {
          Q asking = asked;
          A answer = CountinghouseException.typed(() -> list.apply(asking));
          page = items.apply(answer).iterator();
          asked = after(asking, answer);
        }
        return page.hasNext();
      }

      @Override
      public T next() {
        hasNext();
        return page.next();
      }
    };
  }

  /** The request for the page after an answer; null when that was the last. */
  @SuppressWarnings("unchecked")
  private static <Q extends Message> Q after(Q request, Message answer) {
    Object token = answer.getField(answer.getDescriptorForType().findFieldByName("next_page_token"));
    if (token.equals("")) {
      return null;
    }
    var field = request.getDescriptorForType().findFieldByName("page_token");
    return (Q) request.toBuilder().setField(field, token).build();
  }
}
