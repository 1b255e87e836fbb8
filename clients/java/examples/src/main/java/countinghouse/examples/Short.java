package countinghouse.examples;

import countinghouse.client.Client;
import countinghouse.client.CountinghouseException;
import countinghouse.glextraction.v1.CreateLedgerRequest;
import countinghouse.glextraction.v1.GenerateAccountingMessageRequest;
import countinghouse.glextraction.v1.Ledger;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;

/** The ten lines of docs/clients.md in Java: sends batch 1 again, once it is there. */
public final class Short {
  private Short() {}

  public static void main(String[] arguments) throws IOException {
    try (Client client = Client.fromEnvironment()) { // COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN, …
      var blanks = Ledger.newBuilder().setCode("NO BLANKS");
      try {
        client.gl().createLedger(CreateLedgerRequest.newBuilder().setLedger(blanks).setRequestId("ledger-1").build());
      } catch (StatusRuntimeException thrown) {
        var error = CountinghouseException.of(thrown);
        System.out.println(error.reason() + " " + error.violations() + " " + error.retryable());
      }
      var run = client.extract(GenerateAccountingMessageRequest.newBuilder().setGlExtractionBatchId("1").build());
      for (var snapshot : run.watch()) {
        System.out.println(snapshot.progress().getState());
      }
      for (var file : run.await().getDataFilesList()) {
        client.download(file.getName(), Path.of(file.getName()).getFileName());
      }
    }
  }
}
