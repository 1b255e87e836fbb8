package countinghouse

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const tokenExpired = "TOKEN_EXPIRED"

// Error is what this client gives for a call, an operation or a download that did not succeed.
type Error struct {
	Code          codes.Code
	Message       string            // the sentence for a person
	Reason        string            // stable, such as REQUEST_ID_REUSED; empty when the server gave none
	Values        map[string]string // that belong to the reason
	Violations    []Violation       // everything that is wrong with the request
	Preconditions []string          // what stands against the call in the state of the system
	Resources     []Resource        // what is missing or in the way
	RetryDelay    time.Duration     // how long the server asks to wait before another try; 0 when it does not
	RequestID     string            // repeat the call with it when its outcome is not known: nothing is done twice
	Operation     string            // `operations/{operation}`, of a long-running operation that ended without success
	status        *status.Status
}

// Violation is one thing that is wrong with a request or with a row.
type Violation struct {
	Field       string // its path, such as `accounting_details[3].debit`; empty for the request as a whole
	Reason      string // stable, such as AMOUNT_NOT_POSITIVE or FIN-IP-ACDE-002
	Description string // the sentence for a person
}

// Resource is what an error is about.
type Resource struct{ Type, Name string }

// AsError gives the *Error in err, or nil when there is none.
func AsError(err error) *Error {
	var found *Error
	errors.As(err, &found)
	return found
}

// ReasonOf gives the stable reason of an error; empty when it has none.
func ReasonOf(err error) string {
	if found := AsError(err); found != nil {
		return found.Reason
	}
	return ""
}

// Retryable tells whether the same call may succeed later without anything being mended: the server is not there, or
// has too much to do and asks to come back.
func (e *Error) Retryable() bool {
	return e.Code == codes.Unavailable || e.Code == codes.ResourceExhausted && e.RetryDelay > 0
}

// Error gives the message with its reason, and each violation on a line of its own.
func (e *Error) Error() string {
	var text strings.Builder
	if e.Operation != "" {
		fmt.Fprintf(&text, "%s failed: ", e.Operation)
	}
	text.WriteString(e.Message)
	if e.Reason != "" {
		fmt.Fprintf(&text, " [%s]", e.Reason)
	}
	for _, violation := range e.Violations {
		fmt.Fprintf(&text, "\n  %s: %s [%s]", violation.Field, violation.Description, violation.Reason)
	}
	for _, precondition := range e.Preconditions {
		fmt.Fprintf(&text, "\n  %s", precondition)
	}
	return text.String()
}

// GRPCStatus lets status.FromError and status.Code know this error.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// wrap gives the typed error of a call; nil for nil.
func wrap(err error, requestID string) *Error {
	if err == nil {
		return nil
	}
	if known := AsError(err); known != nil {
		return known
	}
	told, ok := status.FromError(err)
	if !ok {
		told = status.FromContextError(err)
	}
	typed := fromStatus(told)
	typed.RequestID = requestID
	return typed
}

func fromStatus(told *status.Status) *Error {
	typed := &Error{Code: told.Code(), Message: told.Message(), status: told}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			typed.Reason, typed.Values = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, v := range detail.GetFieldViolations() {
				typed.Violations = append(typed.Violations, Violation{v.GetField(), v.GetReason(), v.GetDescription()})
			}
		case *errdetails.PreconditionFailure:
			for _, v := range detail.GetViolations() {
				typed.Preconditions = append(typed.Preconditions, v.GetDescription())
			}
		case *errdetails.ResourceInfo:
			typed.Resources = append(typed.Resources, Resource{detail.GetResourceType(), detail.GetResourceName()})
		case *errdetails.RetryInfo:
			typed.RetryDelay = detail.GetRetryDelay().AsDuration()
		}
	}
	return typed
}

// fromOperation is the error of an operation that ended without success.
func fromOperation(name string, told *rpcstatus.Status) *Error {
	typed := fromStatus(status.FromProto(told))
	typed.Operation = name
	return typed
}

// own is an error that this client itself has found.
func own(code codes.Code, reason, format string, values ...any) *Error {
	typed := fromStatus(status.Newf(code, format, values...))
	typed.Reason = reason
	return typed
}
