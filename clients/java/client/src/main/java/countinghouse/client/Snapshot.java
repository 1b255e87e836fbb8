package countinghouse.client;

import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import countinghouse.operations.v1.OperationProgress;
import java.util.Optional;

/**
 * An operation as it stood.
 *
 * @param name {@code operations/{operation}}
 * @param done whether it has ended
 * @param progress state, stages with their counts, notices
 * @param metadata what the method tells of its work
 * @param response the result; empty until it has succeeded
 * @param failure why it ended without success
 * @param sequence the place in the operation's history, by which a watch resumes; 0 outside of a watch
 * @param eventTime when it happened; the beginning of time outside of a watch
 */
public record Snapshot<R extends Message, M extends Message>(
    String name,
    boolean done,
    OperationProgress progress,
    Optional<M> metadata,
    Optional<R> response,
    Optional<CountinghouseException> failure,
    long sequence,
    Timestamp eventTime) {}
