// Command short is the ten lines of docs/clients.md in Go: it sends batch 1 again, once it is there.
package main

import (
	"context"
	"fmt"
	"log"
	"path"

	countinghouse "countinghouse.example/client"
	gl "countinghouse.example/client/glextractionpb"
)

func main() {
	ctx := context.Background()
	target, options, err := countinghouse.Environment() // COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN, …
	check(err)
	client, err := countinghouse.Connect(target, options)
	check(err)
	defer client.Close()
	blanks := &gl.CreateLedgerRequest{Ledger: &gl.Ledger{Code: "NO BLANKS"}, RequestId: "ledger-1"}
	if _, err = client.GL.CreateLedger(ctx, blanks); err != nil {
		refused := countinghouse.AsError(err)
		fmt.Println(refused.Reason, refused.Violations, refused.Retryable())
	}
	run, err := client.Extract(ctx, &gl.GenerateAccountingMessageRequest{GlExtractionBatchId: "1"})
	check(err)
	for snapshot, err := range run.Watch(ctx, countinghouse.WatchOptions{}) {
		check(err)
		fmt.Println(snapshot.Progress.GetState())
	}
	done, err := run.Wait(ctx)
	check(err)
	for _, file := range done.GetDataFiles() {
		_, err = client.Download(ctx, file.GetName(), path.Base(file.GetName()), countinghouse.DownloadOptions{})
		check(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatalln(err)
	}
}
