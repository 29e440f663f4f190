// Package webhook receives what a WooCommerce shop sends when something changes in it, and keeps the shop sending.
//
//	hook, err := webhook.New(webhook.Config{
//		Secrets: []string{secret},
//		Handle: func(ctx context.Context, d webhook.Delivery) error {
//			if d.Topic != "order.updated" {
//				return nil // not wanted: still a success for the shop
//			}
//			return save(ctx, d.Key(), d.Body) // durable before it returns nil
//		},
//	})
//	mux.Handle("POST /hooks/woo", hook)
//	guard, err := webhook.NewGuard(webhook.GuardConfig{
//		Shop:   shop,
//		Wanted: []webhook.Wanted{{Topic: "order.updated", URL: "https://us.example/hooks/woo", Secret: secret}},
//		Last:   hook.LastDelivery, CatchUp: readWhatChanged, Alarm: tellSomebody,
//	})
//	err = host.Run(ctx, guard.Run)
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
//     [Delivery.Key] is one: topic, object and a digest of the body. The handler itself keeps repetitions of the last ten minutes
//     from Handle.
//
// # What the shop is told
//
// WooCommerce counts every answer other than 200 to 302 as a failure, so a failure must mean one thing only: it was not saved.
//
//	200  saved, not wanted, a repetition, not understood, a ping, or an error of the shop (see below)
//	401  signature missing or wrong; the same words for both. A wrong one may be dropped with 200: Config.DropForged
//	405  not a POST;  413  body above MaxBody;  415  a compressed body, which no shop sends
//	500  Handle failed;  503  Handle did not end within Timeout, 2 s
//
// A ping (a form with nothing but webhook_id, unsigned) comes when a webhook is made or its address changes, and after each
// delivery until one was answered 200. It is answered 200 at any time, and nothing is done.
//
// When the user who owns the webhook loses rights, the shop sends signed error objects in place of orders
// (woocommerce_rest_cannot_view). They are logged, given to [Config.Refused], answered 200, and never given to Handle.
//
// # Keeping it alive
//
// [Ensure] makes the wanted webhooks, once, however many processes do so at a time, takes over those that are there, and puts address,
// secret and status right. A [Guard] does it at its start and looks every quarter of an hour:
//
//   - A webhook that was disabled, paused or deleted is put right, then what the gap has swallowed is read: GuardConfig.CatchUp, from the
//     last good delivery on. A disabled one is replaced by a new one. Switched on again it would keep its count of six
//     failures, which nothing but a successful delivery clears, and the next single failure would disable it.
//   - Where nothing has arrived for three hours although the shop changed, it reads what changed, and says so. A quiet shop is no
//     silent webhook: the shop is asked.
//
// # Limits
//
// The handler reads the whole body, at most MaxBody, before it looks at anything. Slow senders are the business of the
// http.Server around it: set its ReadTimeout.
//
// The shop shows neither its webhooks' secrets nor their counts of failures. Ensure writes the secret at every call; that a webhook
// is about to be disabled cannot be seen.
package webhook
