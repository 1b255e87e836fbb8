package countinghouse.client;

import countinghouse.operations.v1.DataFile;
import countinghouse.operations.v1.DownloadDataFileRequest;
import countinghouse.operations.v1.DownloadDataFileResponse;
import countinghouse.operations.v1.GetDataFileRequest;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * One file on its way.
 *
 * <p>Its bytes stand in {@code .{name}.{half of the SHA-256}.part} beside the target: what a broken-off download left is
 * taken up by the next one of the same content, and by no other.
 */
final class Download implements AutoCloseable {
  private static final long LEG_S = 600;
  private static final int HASH_SHOWN = 32;
  private static final int BLOCK_BYTES = 1 << 20;

  private final DataFile facts;
  private final Path path;
  private final FileChannel file;
  private final MessageDigest hash = sha256();
  private long received;

  private Download(DataFile facts, Path path) throws IOException {
    this.facts = facts;
    this.path = path;
    this.file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  static DataFile fetch(Client client, String name, Path target, Persistence persistence) throws IOException {
    var request = GetDataFileRequest.newBuilder().setName(name).build();
    DataFile facts = CountinghouseException.typed(() -> client.files().getDataFile(request));
    String hidden = "." + target.getFileName() + "." + facts.getSha256().substring(0, HASH_SHOWN) + ".part";
    var patience = new Patience(client, persistence);
    try (var download = new Download(facts, target.resolveSibling(hidden))) {
      download.takeUp();
      while (download.received < facts.getSizeBytes()) {
        download.go(client, patience);
      }
      download.prove();
      download.file.force(true);
      Files.move(download.path, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }
    return facts;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }

  /** Reads what an earlier download left. */
  private void takeUp() throws IOException {
    if (file.size() > facts.getSizeBytes()) {
      file.truncate(0);
    }
    ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
    while (file.read(block) >= 0) {
      received += block.position();
      hash.update(block.flip());
      block.clear();
    }
  }

  /** One call; waits after one that was cut. */
  private void go(Client client, Patience patience) throws IOException {
    var request = DownloadDataFileRequest.newBuilder().setName(facts.getName()).setOffset(received).build();
    try (Context.CancellableContext call = Context.current().withCancellation()) {
      Context before = call.attach();
      try {
        var pieces = client.files().withDeadlineAfter(LEG_S, TimeUnit.SECONDS).downloadDataFile(request);
        while (pieces.hasNext()) {
          take(pieces.next(), patience);
        }
      } finally {
        call.detach(before);
      }
    } catch (StatusRuntimeException thrown) {
      var cut = CountinghouseException.of(thrown);
      if (!cut.isCut() || Thread.currentThread().isInterrupted()) {
        throw cut;
      }
      patience.await(cut);
      return;
    }
    if (received < facts.getSizeBytes()) {
      patience.await(CountinghouseException.own(Status.Code.UNAVAILABLE, "", facts.getName() + " ended early"));
    }
  }

  private void take(DownloadDataFileResponse piece, Patience patience) throws IOException {
    ByteBuffer content = piece.getContent().asReadOnlyByteBuffer();
    int size = content.remaining();
    if (size == 0) {
      return;
    }
    if (piece.getOffset() != received) {
      throw refused("DOWNLOAD_OFFSET_WRONG", "bytes from " + piece.getOffset() + " came where " + received + " was due");
    }
    if (received + size > facts.getSizeBytes()) {
      throw refused("DOWNLOAD_SIZE_WRONG", "more than its " + facts.getSizeBytes() + " bytes came");
    }
    hash.update(content.duplicate());
    while (content.hasRemaining()) {
      received += file.write(content);
    }
    patience.progressed();
  }

  private void prove() throws IOException {
    if (!HexFormat.of().formatHex(hash.digest()).equals(facts.getSha256())) {
      throw refused("DOWNLOAD_SHA256_MISMATCH", "the bytes received are not those that were written");
    }
  }

  private CountinghouseException refused(String reason, String what) throws IOException {
    Files.deleteIfExists(path);
    return CountinghouseException.own(Status.Code.DATA_LOSS, reason, facts.getName() + ": " + what);
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException never) {
      throw new IllegalStateException(never);
    }
  }
}
