// Package webhook receives what a WooCommerce shop sends when something changes in it.
//
//	hook, err := webhook.New(webhook.Config{
//		Secrets: []string{secret},
//		Handle: func(ctx context.Context, d webhook.Delivery) error {
//			if d.Topic != "order.updated" {
//				return nil // not wanted: still a success for the shop
//			}
//			return save(ctx, d.Payload.ID, d.Body) // durable before it returns nil
//		},
//	})
//	mux.Handle("POST /hooks/woo", hook)
//
// Whoever wants orders uses package orderfeed instead, which puts this handler beside polling: a shop sends each delivery
// once, never again after a failure, and switches a webhook off for good at the seventh failure in a row.
//
// # What a delivery proves
//
// The shop signs the raw body, and nothing but the body: base64 of HMAC-SHA256 in X-WC-Webhook-Signature. [Verify] checks it
// in constant time against several secrets, so that a secret can be changed without a gap, and each secret in the three
// forms shops were seen to sign with: as typed, with HTML entities decoded, with HTML entities encoded.
//
//   - The headers are not signed. Topic, Source and the two ids are hints; decide by what the body says.
//   - No time is signed. Whoever saw a delivery can send it again, and the shop itself repeats and reorders. [Config.Handle]
//     must therefore be idempotent and must compare the modification time in the body with the one it knows.
//   - DeliveryID is no key: it is a hash of the webhook and the second, so that four orders of one second share it.
//
// # What the shop is told
//
// WooCommerce counts every answer other than 200 to 302 as a failure, so a failure must mean one thing only: it was not saved.
//
//	200  saved, not wanted, not understood, a ping, or an error of the shop (see below)
//	401  signature missing or wrong; the same words for both
//	405  not a POST;  413  body above MaxBody;  415  a compressed body, which no shop sends
//	500  Handle failed;  503  Handle did not end within Timeout
//
// A ping (a form with nothing but webhook_id, unsigned) comes when a webhook is made or its address changes, and after each
// delivery until one was answered 200. It is answered 200 at any time, and nothing is done.
//
// When the user who owns the webhook loses rights, the shop sends signed error objects in place of orders
// (woocommerce_rest_cannot_view). They are logged, given to [Config.Refused], answered 200, and never given to Handle.
//
// # Limits
//
// The handler reads the whole body, at most MaxBody, before it looks at anything. Slow senders are the business of the
// http.Server around it: set its ReadTimeout.
package webhook
