package countinghouse.examples;

import com.google.type.Date;
import countinghouse.client.Amounts;
import countinghouse.client.Client;
import countinghouse.client.CountinghouseException;
import countinghouse.client.Ingest;
import countinghouse.client.Persistence;
import countinghouse.glextraction.v1.AccountingDetail;
import countinghouse.glextraction.v1.AccountingPeriod;
import countinghouse.glextraction.v1.CreateAccountingPeriodRequest;
import countinghouse.glextraction.v1.CreateLedgerRequest;
import countinghouse.glextraction.v1.GenerateAccountingMessageRequest;
import countinghouse.glextraction.v1.Ledger;
import countinghouse.glextraction.v1.Origin;
import countinghouse.operations.v1.OperationProgress;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Takes in a shop's sales, extracts them for the general ledger with live progress, and fetches the files, each proven by
 * its SHA-256. It needs a server: COUNTINGHOUSE_ADDRESS, 127.0.0.1:50051 when not set.
 */
public final class Extract {
  private Extract() {}

  public static void main(String[] arguments) throws IOException {
    try (Client client = Client.fromEnvironment()) {
      reference(client);

      // Rows, as many as there are: they are made as they are sent.
      var totals = client.ingest(sales(2_000)::iterator, Ingest.usual().withOnRefusal(System.out::println));
      System.out.printf(
          "%d new, %d there already, %d refused%n", totals.created(), totals.unchanged(), totals.refused());

      // Extract, with live progress that survives a lost connection.
      var run = client.extract(GenerateAccountingMessageRequest.newBuilder().setOrigin(Origin.ORIGIN_FINANCIAL).build());
      var telling = Persistence.usual().withOnRetry((error, wait) -> System.out.println("lost the connection, trying again"));
      for (var snapshot : run.watch(0, telling)) {
        System.out.println(line(snapshot.progress()));
      }
      var done = run.await();
      for (var sum : done.getTotalsList()) {
        System.out.println(Amounts.format(sum.getDebit(), 2) + " = " + Amounts.format(sum.getCredit(), 2));
      }

      // Fetch the files, each proven by its SHA-256.
      Path folder = Files.createDirectories(Path.of("out"));
      for (var file : done.getDataFilesList()) {
        client.download(file.getName(), folder.resolve(file.getName().substring(file.getName().lastIndexOf('/') + 1)));
      }
      System.out.println("done: " + done.getExtractionBatch());
    }
  }

  /** A ledger and a year. A call that was made before is refused; here that is fine. */
  private static void reference(Client client) {
    var ledger = Ledger.newBuilder().setCode("SHOP").setDescription("The shop's books");
    var year = AccountingPeriod.newBuilder().setCode("2026").setStartDate(day(1, 1)).setEndDate(day(12, 31));
    try {
      client.gl().createLedger(CreateLedgerRequest.newBuilder().setLedger(ledger).build());
      client.gl().createAccountingPeriod(
          CreateAccountingPeriodRequest.newBuilder().setParent("ledgers/SHOP").setAccountingPeriod(year).build());
    } catch (StatusRuntimeException thrown) {
      var error = CountinghouseException.of(thrown);
      if (!error.reason().equals("CODE_TAKEN")) {
        throw error;
      }
    }
  }

  private static Stream<AccountingDetail> sales(int count) {
    return IntStream.rangeClosed(1, count).boxed().flatMap(number -> {
      var amount = Amounts.money(BigDecimal.valueOf(number, 2), "EUR");
      var debit = row(number + "-d", "cash").setDebit(amount);
      var credit = row(number + "-c", "sales").setCredit(amount);
      return Stream.of(debit.build(), credit.build());
    });
  }

  private static AccountingDetail.Builder row(String externalId, String account) {
    return AccountingDetail.newBuilder()
        .setSource("shop")
        .setExternalId(externalId)
        .setOrigin(Origin.ORIGIN_FINANCIAL)
        .setLedgerCode("SHOP")
        .setAccountingDate(day(5, 4))
        .setDistributionAccount(account);
  }

  private static String line(OperationProgress progress) {
    String stages = progress.getStagesList().stream()
        .map(stage -> stage.getStage() + " " + stage.getItemsDone())
        .collect(Collectors.joining(", "));
    return progress.getState().name().replace("OPERATION_STATE_", "") + " " + stages;
  }

  private static Date day(int month, int day) {
    return Date.newBuilder().setYear(2026).setMonth(month).setDay(day).build();
  }
}
