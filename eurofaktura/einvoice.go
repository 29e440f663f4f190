package eurofaktura

import (
	"context"
	"encoding/json"
	"errors"
)

// SendingStatus is where an e-invoice is on its way (Croatia): GetDocumentSendingStatus.
type SendingStatus string

// Delivered reports that it arrived, whatever became of it there.
func (s SendingStatus) Delivered() bool {
	switch s {
	case "documentSendingDeliveryConfirmed", "documentSendingReceivalConfirmed", "documentSendingPaymentFulfilled",
		"documentSendingPaymentFulfilledPartially":
		return true
	}
	return false
}

// Failed reports that it did not and will not arrive.
func (s SendingStatus) Failed() bool {
	switch s {
	case "documentSendingDeliveryFailed", "documentSendingRejectedByReceiver", "documentSendingRejectedByGateway",
		"documentSendingSendingCancelledBySender", "documentSendingCancelledBySender":
		return true
	}
	return false
}

// SendToAS4 sends an invoice as an e-invoice and returns the sending's id: SendDocumentToAS4Endpoint.
func (c *Client) SendToAS4(ctx context.Context, id DocumentID) (sending string, err error) {
	var result struct {
		ID string `json:"sendingTransactionID"`
	}
	err = c.do(ctx, "SendToAS4", "SendDocumentToAS4Endpoint", map[string]any{"documentID": id}, func(raw json.RawMessage) error {
		if err := decodeResult(raw, &result); err != nil {
			return err
		}
		if result.ID == "" {
			return errors.New("it holds no sendingTransactionID")
		}
		return nil
	})
	return result.ID, err
}

// SendingStatus asks where an e-invoice is: GetDocumentSendingStatus. The answer is a text, or an object with a member status.
func (c *Client) SendingStatus(ctx context.Context, sending string) (SendingStatus, error) {
	var status SendingStatus
	return status, c.do(ctx, "SendingStatus", "GetDocumentSendingStatus", map[string]any{"sendingTransactionID": sending},
		func(raw json.RawMessage) error {
			if text := scalar(raw); text != nil && *text != "" && *text != "null" {
				status = SendingStatus(*text)
				return nil
			}
			var result map[string]json.RawMessage
			if err := decodeResult(raw, &result); err != nil {
				return err
			}
			for _, name := range []string{"status", "sendingStatus", "documentSendingStatus"} {
				if text := scalar(result[name]); text != nil && *text != "" {
					status = SendingStatus(*text)
					return nil
				}
			}
			return errors.New("it holds no status")
		})
}
