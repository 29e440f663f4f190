package progress

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tillwire/tillwire/retryqueue"
)

// Summary is what a run has to show. The fields behind pointers are known of a fake world only: nil against real systems.
type Summary struct {
	OrdersRead     int      `json:"orders_read"`
	SalesOrders    int      `json:"sales_orders"` // documents whose job succeeded
	Invoices       int      `json:"invoices"`
	Attempts       int      `json:"attempts"`
	Retried        int      `json:"retried"` // documents that needed more than one
	Failed         int      `json:"failed"`
	Waiting        int      `json:"waiting"`
	Duplicates     *int     `json:"duplicates"`
	FaultsInjected *int     `json:"faults_injected"`
	AnswersLost    *int     `json:"answers_lost"`
	OutageSeconds  *float64 `json:"outage_seconds"`
	Seed           *uint64  `json:"seed"`
}

// Summarize counts the sales orders and invoices among the queue's jobs.
func Summarize(ctx context.Context, q *retryqueue.Queue, read int) (Summary, error) {
	s := Summary{OrdersRead: read}
	for job, err := range q.All(ctx, retryqueue.Query{}) {
		if err != nil {
			return s, err
		}
		var done *int
		switch kind := job.Kind[strings.LastIndexByte(job.Kind, '.')+1:]; kind {
		case "sales-order":
			done = &s.SalesOrders
		case "invoice":
			done = &s.Invoices
		default: // order notes and marks
			continue
		}
		s.Attempts += job.Attempts
		if job.Attempts > 1 {
			s.Retried++
		}
		switch job.State {
		case retryqueue.Succeeded:
			*done++
		case retryqueue.Failed:
			s.Failed++
		case retryqueue.Queued, retryqueue.Running, retryqueue.Retrying:
			s.Waiting++
		case retryqueue.Discarded:
		}
	}
	return s, nil
}

// Print says the same in words.
func (s Summary) Print(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, "%d orders read: %d sales orders and %d invoices sent in %.1f s; %d of them needed more than one of the %d attempts\n",
		s.OrdersRead, s.SalesOrders, s.Invoices, took.Seconds(), s.Retried, s.Attempts)
	if s.FaultsInjected != nil {
		fmt.Fprintf(w, "on purpose %d calls failed, %d answers were lost after the booking, Kledo was down for %.1f s: %d documents twice\n",
			*s.FaultsInjected, *s.AnswersLost, *s.OutageSeconds, *s.Duplicates)
	}
	if s.Failed > 0 {
		fmt.Fprintf(w, "%d documents were given up and wait for a person\n", s.Failed)
	}
	if s.Waiting > 0 {
		fmt.Fprintf(w, "%d documents wait for their next attempt\n", s.Waiting)
	}
}
