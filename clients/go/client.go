// Package countinghouse is the Go client of Countinghouse: typed stubs of every service, and what makes long work easy:
// bulk ingest in bounded memory, live progress that survives a lost connection, downloads that are resumed and proven by
// their SHA-256, errors with reasons, exact amounts.
package countinghouse

import (
	"context"

	"cloud.google.com/go/longrunning/autogen/longrunningpb"
	"google.golang.org/grpc"

	"countinghouse.example/client/accountingpb"
	"countinghouse.example/client/billingpb"
	"countinghouse.example/client/glextractionpb"
	"countinghouse.example/client/invoicingpb"
	"countinghouse.example/client/operationspb"
)

// Client is a connection to one server, with a typed stub of each service. Any number of goroutines may share it.
//
// Every call gets a bound when its context has none, a request id when it takes one and has none, and is made again
// while the server is unavailable when that is safe. Errors of calls are *Error.
type Client struct {
	GL            glextractionpb.GLExtractionServiceClient // accounting details, reference data, extraction
	Accounting    accountingpb.AccountingServiceClient     // claims, their operations, and what becomes of them
	Billing       billingpb.BillingServiceClient           // what is billed to whom, by which rates and when
	Invoicing     invoicingpb.InvoiceBatchServiceClient    // running invoices and the batches that close them
	Operations    operationspb.OperationsServiceClient     // watching, pausing and recovering operations
	LongRunning   longrunningpb.OperationsClient           // the standard service: get, list, cancel, delete, wait
	Files         operationspb.DataFilesServiceClient      // data file sets and their files
	Audit         operationspb.AuditServiceClient          // the audit trail
	Approvals     operationspb.ApprovalsServiceClient      // calls that take effect once a second person has agreed
	Schedules     operationspb.SchedulesServiceClient      // operations that start by themselves
	Notifications operationspb.NotificationsServiceClient  // who is told what has happened
	Conn          *grpc.ClientConn                         // for stubs of one's own; calls on it are treated alike
}

// Extraction is the operation of an extraction.
type Extraction = Operation[*glextractionpb.GenerateAccountingMessageResponse, *glextractionpb.GenerateAccountingMessageMetadata]

// Connect gives a client of the server at target, `host:port` or another gRPC name. It connects with the first call.
//
// It fails when the settings contradict each other, or would send a token in clear text over a network.
func Connect(target string, options Options) (*Client, error) {
	dialing, err := options.dialing(target)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(target, dialing...)
	if err != nil {
		return nil, err
	}
	return &Client{
		GL:            glextractionpb.NewGLExtractionServiceClient(conn),
		Accounting:    accountingpb.NewAccountingServiceClient(conn),
		Billing:       billingpb.NewBillingServiceClient(conn),
		Invoicing:     invoicingpb.NewInvoiceBatchServiceClient(conn),
		Operations:    operationspb.NewOperationsServiceClient(conn),
		LongRunning:   longrunningpb.NewOperationsClient(conn),
		Files:         operationspb.NewDataFilesServiceClient(conn),
		Audit:         operationspb.NewAuditServiceClient(conn),
		Approvals:     operationspb.NewApprovalsServiceClient(conn),
		Schedules:     operationspb.NewSchedulesServiceClient(conn),
		Notifications: operationspb.NewNotificationsServiceClient(conn),
		Conn:          conn,
	}, nil
}

// Extract starts an extraction; the handle comes back at once, to be watched or waited for.
func (c *Client) Extract(ctx context.Context, request *glextractionpb.GenerateAccountingMessageRequest) (*Extraction, error) {
	return Start[*glextractionpb.GenerateAccountingMessageResponse, *glextractionpb.GenerateAccountingMessageMetadata](
		ctx, c, c.GL.GenerateAccountingMessage, request)
}

// Close ends the connection and the calls on it.
func (c *Client) Close() error {
	return c.Conn.Close()
}
