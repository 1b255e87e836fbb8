package countinghouse

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const triesMax = 5

var (
	safeMethod   = regexp.MustCompile(`/(Get|List|Wait|Check|Reconcile|Cancel)[A-Za-z]*$`) // canceling twice is canceling once
	reportMethod = regexp.MustCompile(`/(Check|Reconcile)[A-Za-z]*$`)                      // reads very much, whatever is asked
)

// unary does to every unary call what a caller should not have to think of.
type unary struct{ timeout time.Duration }

func (u unary) intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, u.bound(method))
		defer cancel()
	}
	request, id := withRequestID(request)
	patience := newPatience(Persistence{Patience: time.Hour}) // the context is the bound
	for try := 1; ; try++ {
		err := wrap(invoke(ctx, method, request, reply, conn, options...), id)
		if err == nil || try == triesMax || !err.Retryable() || id == "" && !safeMethod.MatchString(method) {
			return plain(err)
		}
		if patience.wait(ctx, err) != nil {
			return err
		}
	}
}

func (u unary) bound(method string) time.Duration {
	switch {
	case u.timeout > 0:
		return u.timeout
	case reportMethod.MatchString(method):
		return reportTimeout
	}
	return defaultTimeout
}

// withRequestID gives the request with an id of its own, when it takes one and has none (AIP-155), and the id. The
// caller's message stays as it is: sent once more, it is another call, not a repetition of the first.
func withRequestID(request any) (any, string) {
	message, ok := request.(proto.Message)
	if !ok {
		return request, ""
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil {
		return request, ""
	}
	if id := message.ProtoReflect().Get(field).String(); id != "" {
		return request, id
	}
	id := newID()
	stamped := proto.Clone(message)
	stamped.ProtoReflect().Set(field, protoreflect.ValueOfString(id))
	return stamped, id
}

// newID is a random UUID (RFC 9562, version 4).
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func interceptStream(ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := open(ctx, desc, conn, method, options...)
	if err != nil {
		return nil, wrap(err, "")
	}
	return typed{stream}, nil
}

// typed is a stream whose errors are *Error; its end stays io.EOF.
type typed struct{ grpc.ClientStream }

func (t typed) RecvMsg(message any) error {
	if err := t.ClientStream.RecvMsg(message); err != nil {
		return typedUnlessEnd(err)
	}
	return nil
}

func (t typed) SendMsg(message any) error {
	if err := t.ClientStream.SendMsg(message); err != nil {
		return typedUnlessEnd(err)
	}
	return nil
}

func typedUnlessEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return err
	}
	return wrap(err, "")
}

// plain keeps a nil *Error from becoming an error that is not nil.
func plain(err *Error) error {
	if err == nil {
		return nil
	}
	return err
}

// cut tells whether an error is what a lost connection, a bounded call that ran out, or a draining server looks like.
func cut(err *Error) bool {
	switch err.Code {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return true
	case codes.Internal, codes.Unknown:
		return err.Reason == "" // a stream that HTTP/2 has reset: the server's own errors carry a reason
	}
	return err.Reason == tokenExpired
}
