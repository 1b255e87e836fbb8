package countinghouse

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"countinghouse.example/client/operationspb"
)

const leg = 10 * time.Minute // a watch is one bounded call after another

// Snapshot is an operation as it stood.
type Snapshot[Response, Metadata proto.Message] struct {
	Name      string // `operations/{operation}`
	Done      bool
	Progress  *operationspb.OperationProgress // state, stages with their counts, notices
	Metadata  Metadata
	Response  Response  // the result; nil until it has succeeded
	Failure   *Error    // why it ended without success
	Sequence  int64     // the place in the operation's history, by which a watch resumes; 0 outside of a watch
	EventTime time.Time // when it happened; zero outside of a watch
}

// Operation is a handle for one operation, whose response and metadata are of known types.
type Operation[Response, Metadata proto.Message] struct {
	Name   string // `operations/{operation}`; empty for one that was done when it was started, such as a mere validation
	client *Client
	ended  *Snapshot[Response, Metadata]
}

// WatchOptions say how to watch.
type WatchOptions struct {
	Persistence
	AfterSequence int64 // the last sequence seen; only events after it come
}

// Start calls a method that starts an operation; the handle comes back at once.
//
//	run, err := countinghouse.Start[*billingpb.StartBillingRunResponse, *billingpb.StartBillingRunMetadata](
//		ctx, client, client.Billing.StartBillingRun, request)
func Start[Response, Metadata, Request proto.Message](
	ctx context.Context,
	client *Client,
	method func(context.Context, Request, ...grpc.CallOption) (*longrunningpb.Operation, error),
	request Request,
) (*Operation[Response, Metadata], error) {
	started, err := method(ctx, request)
	if err != nil {
		return nil, err
	}
	operation := Handle[Response, Metadata](client, started.GetName())
	if started.GetDone() {
		operation.ended = snapshot[Response, Metadata](started)
	}
	return operation, nil
}

// Handle gives a handle for an operation that is known by name; no call is made.
func Handle[Response, Metadata proto.Message](client *Client, name string) *Operation[Response, Metadata] {
	return &Operation[Response, Metadata]{Name: name, client: client}
}

// Get gives the operation as it stands.
func (o *Operation[Response, Metadata]) Get(ctx context.Context) (*Snapshot[Response, Metadata], error) {
	if o.ended != nil {
		return o.ended, nil
	}
	operation, err := o.client.LongRunning.GetOperation(ctx, &longrunningpb.GetOperationRequest{Name: o.Name})
	if err != nil {
		return nil, err
	}
	return snapshot[Response, Metadata](operation), nil
}

// Watch gives the operation as it stands, then after every change, until it is done.
//
// A lost connection is taken up again after the last event seen, also across a restart of the server. It ends with an
// error when the server refuses, the context ends, or patience does.
func (o *Operation[Response, Metadata]) Watch(ctx context.Context, options WatchOptions) iter.Seq2[*Snapshot[Response, Metadata], error] {
	return func(yield func(*Snapshot[Response, Metadata], error) bool) {
		if o.ended != nil {
			yield(o.ended, nil)
			return
		}
		cursor := &cursor{asked: options.AfterSequence, sequence: options.AfterSequence}
		patience := newPatience(options.Persistence)
		for {
			err := o.follow(ctx, cursor, patience, yield)
			if cursor.over {
				return
			}
			if err = cursor.resume(ctx, err, patience); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// cursor is where a watch stands.
type cursor struct {
	asked, sequence int64
	silent          bool // whether the last call brought nothing
	over            bool // whether the end was seen, or the caller had enough
}

// resume waits before the next call, and gives an error when there is to be none.
func (c *cursor) resume(ctx context.Context, err error, patience *patience) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lost := AsError(err)
	switch {
	case lost == nil: // the stream ended before the operation did
		lost = own(codes.Unavailable, "", "the watch ended before the operation did")
		if c.silent {
			c.sequence = 0 // the end was seen before: ask for the present state, to see it here too
		}
	case lost.Code == codes.OutOfRange && c.sequence != c.asked:
		c.sequence = 0 // the present state stands for everything before it
	case !cut(lost):
		return err
	}
	return patience.wait(ctx, lost)
}

// follow is one call of a watch.
func (o *Operation[Response, Metadata]) follow(ctx context.Context, cursor *cursor, patience *patience, yield func(*Snapshot[Response, Metadata], error) bool) error {
	ctx, cancel := context.WithTimeout(ctx, leg)
	defer cancel()
	cursor.silent = true
	request := &operationspb.WatchOperationRequest{Name: o.Name, AfterSequence: cursor.sequence}
	events, err := o.client.Operations.WatchOperation(ctx, request)
	for err == nil {
		var event *operationspb.WatchOperationResponse
		if event, err = events.Recv(); err != nil {
			break
		}
		patience.progressed()
		cursor.silent = false
		cursor.sequence = max(cursor.sequence, event.GetSequence())
		if operation := event.GetOperation(); operation != nil {
			seen := snapshot[Response, Metadata](operation)
			seen.Sequence, seen.EventTime = event.GetSequence(), event.GetEventTime().AsTime()
			if cursor.over = !yield(seen, nil) || seen.Done; cursor.over {
				return nil
			}
		}
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Wait gives the response, once the operation is done; an *Error with the name of the operation when it ended without
// success.
func (o *Operation[Response, Metadata]) Wait(ctx context.Context) (Response, error) {
	var none Response
	for snapshot, err := range o.Watch(ctx, WatchOptions{}) {
		switch {
		case err != nil:
			return none, err
		case snapshot.Failure != nil:
			return none, snapshot.Failure
		case snapshot.Done:
			return snapshot.Response, nil
		}
	}
	panic("a watch ends with its operation or with an error")
}

// Cancel asks it to stop at its next safe point; watch it to learn what was done.
func (o *Operation[Response, Metadata]) Cancel(ctx context.Context) error {
	_, err := o.client.LongRunning.CancelOperation(ctx, &longrunningpb.CancelOperationRequest{Name: o.Name})
	return err
}

// Pause does nothing more of it until it is resumed; what was done stays.
func (o *Operation[Response, Metadata]) Pause(ctx context.Context) error {
	_, err := o.client.Operations.PauseOperation(ctx, &operationspb.PauseOperationRequest{Name: o.Name})
	return err
}

// Resume goes on with it from where it stood when it was paused.
func (o *Operation[Response, Metadata]) Resume(ctx context.Context) error {
	_, err := o.client.Operations.ResumeOperation(ctx, &operationspb.ResumeOperationRequest{Name: o.Name})
	return err
}

// Recover runs it again from where it stood, after it failed and the cause was mended.
func (o *Operation[Response, Metadata]) Recover(ctx context.Context) error {
	_, err := o.client.Operations.RecoverOperation(ctx, &operationspb.RecoverOperationRequest{Name: o.Name})
	return err
}

// Delete removes the record of an operation that has ended; what it made stays.
func (o *Operation[Response, Metadata]) Delete(ctx context.Context) error {
	_, err := o.client.LongRunning.DeleteOperation(ctx, &longrunningpb.DeleteOperationRequest{Name: o.Name})
	return err
}

func snapshot[Response, Metadata proto.Message](operation *longrunningpb.Operation) *Snapshot[Response, Metadata] {
	seen := &Snapshot[Response, Metadata]{Name: operation.GetName(), Done: operation.GetDone()}
	seen.Metadata = unpack[Metadata](operation.GetMetadata())
	seen.Response = unpack[Response](operation.GetResponse())
	if metadata, ok := any(seen.Metadata).(interface {
		GetProgress() *operationspb.OperationProgress
	}); ok {
		seen.Progress = metadata.GetProgress()
	}
	if failure := operation.GetError(); failure != nil {
		seen.Failure = fromOperation(operation.GetName(), failure)
	}
	return seen
}

// unpack gives nil for none, and for a message of another type than was asked for.
func unpack[Message proto.Message](packed *anypb.Any) Message {
	var none Message
	if packed == nil {
		return none
	}
	message, err := packed.UnmarshalNew()
	if err != nil {
		return none
	}
	typed, _ := message.(Message)
	return typed
}
