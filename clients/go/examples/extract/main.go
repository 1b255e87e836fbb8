// Command extract takes in a shop's sales, extracts them for the general ledger with live progress, and fetches the
// files, each proven by its SHA-256. It needs a server: COUNTINGHOUSE_ADDRESS, 127.0.0.1:50051 when not set.
package main

import (
	"context"
	"fmt"
	"iter"
	"log"
	"os"
	"path"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/type/date"

	countinghouse "countinghouse.example/client"
	gl "countinghouse.example/client/glextractionpb"
	"countinghouse.example/client/operationspb"
)

func main() {
	target, options, err := countinghouse.Environment()
	check(err)
	client, err := countinghouse.Connect(target, options)
	check(err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()

	check(reference(ctx, client))

	// Rows, as many as there are: they are made as they are sent.
	totals, err := client.Ingest(ctx, sales(2_000), countinghouse.IngestOptions{
		OnRefusal: func(refused countinghouse.Refusal) { fmt.Println("row", refused.Row, refused.Violations) },
	})
	check(err)
	fmt.Printf("%d new, %d there already, %d refused\n", totals.Created, totals.Unchanged, totals.Refused)

	// Extract, with live progress that survives a lost connection.
	run, err := client.Extract(ctx, &gl.GenerateAccountingMessageRequest{Origin: gl.Origin_ORIGIN_FINANCIAL})
	check(err)
	var watching countinghouse.WatchOptions
	watching.OnRetry = func(*countinghouse.Error, time.Duration) { fmt.Println("lost the connection, trying again") }
	for snapshot, err := range run.Watch(ctx, watching) {
		check(err)
		fmt.Println(progress(snapshot.Progress))
	}
	done, err := run.Wait(ctx)
	check(err)
	for _, sum := range done.GetTotals() {
		fmt.Println(countinghouse.FormatMoney(sum.GetDebit(), 2), "=", countinghouse.FormatMoney(sum.GetCredit(), 2))
	}

	// Fetch the files, each proven by its SHA-256.
	check(os.MkdirAll("out", 0o777))
	for _, file := range done.GetDataFiles() {
		_, err = client.Download(ctx, file.GetName(), path.Join("out", path.Base(file.GetName())), countinghouse.DownloadOptions{})
		check(err)
	}
	fmt.Println("done:", done.GetExtractionBatch())
}

// reference makes a ledger and a year. A call that was made before is refused; here that is fine.
func reference(ctx context.Context, client *countinghouse.Client) error {
	ledger := &gl.Ledger{Code: "SHOP", Description: "The shop's books"}
	_, err := client.GL.CreateLedger(ctx, &gl.CreateLedgerRequest{Ledger: ledger})
	if countinghouse.ReasonOf(err) == "CODE_TAKEN" {
		return nil
	}
	if err != nil {
		return err
	}
	year := &gl.AccountingPeriod{Code: "2026", StartDate: day(1, 1), EndDate: day(12, 31)}
	_, err = client.GL.CreateAccountingPeriod(ctx, &gl.CreateAccountingPeriodRequest{Parent: "ledgers/SHOP", AccountingPeriod: year})
	return err
}

func sales(count int) iter.Seq[*gl.AccountingDetail] {
	return func(yield func(*gl.AccountingDetail) bool) {
		for number := 1; number <= count; number++ {
			amount, err := countinghouse.Money(fmt.Sprintf("%d.%02d", number/100, number%100), "EUR")
			check(err)
			debit, credit := row(number, "d", "cash"), row(number, "c", "sales")
			debit.Debit, credit.Credit = amount, amount
			if !yield(debit) || !yield(credit) {
				return
			}
		}
	}
}

func row(number int, side, account string) *gl.AccountingDetail {
	return &gl.AccountingDetail{
		Source: "shop", ExternalId: fmt.Sprintf("%d-%s", number, side), Origin: gl.Origin_ORIGIN_FINANCIAL,
		LedgerCode: "SHOP", AccountingDate: day(5, 4), DistributionAccount: account,
	}
}

func progress(at *operationspb.OperationProgress) string {
	var stages []string
	for _, stage := range at.GetStages() {
		stages = append(stages, fmt.Sprintf("%s %d", stage.GetStage(), stage.GetItemsDone()))
	}
	return strings.TrimPrefix(at.GetState().String(), "OPERATION_STATE_") + " " + strings.Join(stages, ", ")
}

func day(month, day int32) *date.Date { return &date.Date{Year: 2026, Month: month, Day: day} }

func check(err error) {
	if err != nil {
		log.Fatalln(err)
	}
}
