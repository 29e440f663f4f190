package wootest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/woo/wootest"
)

// receiver is a host's webhook endpoint that keeps what it gets.
type receiver struct {
	mu     sync.Mutex
	status int
	got    []delivery
}

type delivery struct {
	path   string
	header http.Header
	body   string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, delivery{req.URL.Path, req.Header, string(body)})
	if r.status != 0 {
		w.WriteHeader(r.status)
	}
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) take() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

func withReceiver(t testing.TB, c wootest.Config) (*wootest.Shop, *receiver) {
	t.Helper()
	shop := newShop(t, c)
	host := &receiver{}
	shop.DeliverTo("https://host.test/", host)
	return shop, host
}

func hook(t testing.TB, shop *wootest.Shop, topic string) int {
	t.Helper()
	a := send(t, shop, "POST", "webhooks", fmt.Sprintf(`{"topic":%q,"delivery_url":"https://host.test/hooks","secret":"s3cr&t"}`, topic))
	require.Equal(t, 201, a.status, a.body)
	require.NotContains(t, a.body, "s3cr")
	return int(a.object(t)["id"].(float64))
}

func TestPing(t *testing.T) {
	t.Parallel()
	shop, host := withReceiver(t, wootest.Config{})
	host.answer(500)
	id := hook(t, shop, "order.updated")
	ping := host.take()
	require.Len(t, ping, 1, "sent with the creation, which it cannot stop")
	require.Equal(t, fmt.Sprint("webhook_id=", id), ping[0].body)
	require.Equal(t, "application/x-www-form-urlencoded", ping[0].header.Get("Content-Type"))
	for name := range ping[0].header {
		require.False(t, strings.HasPrefix(name, "X-Wc-"), name)
	}
	path := fmt.Sprint("webhooks/", id)
	send(t, shop, "GET", path, "")
	require.Empty(t, host.take(), "reading saves nothing")
	host.answer(201)
	send(t, shop, "PUT", path, `{"name":"n"}`)
	require.Len(t, host.take(), 1, "owed: sent again at each save")
	host.answer(200)
	send(t, shop, "PUT", path, `{"name":"n"}`)
	require.Len(t, host.take(), 1, "201 was not good enough")
	send(t, shop, "PUT", path, `{"name":"n","status":"paused"}`)
	require.Empty(t, host.take(), "paid")
	send(t, shop, "PUT", path, `{"delivery_url":"https://host.test/other"}`)
	require.Equal(t, "/other", host.take()[0].path)
}

func TestDelivery(t *testing.T) {
	t.Parallel()
	shop, host := withReceiver(t, wootest.Config{})
	id := hook(t, shop, "order.updated")
	host.take()
	order, err := shop.AddOrder([]byte(`{"status":"pending"}`))
	require.NoError(t, err)
	require.NoError(t, shop.SetStatus(order, "processing"))
	require.NoError(t, shop.SetStatus(order, "completed"))
	require.Empty(t, host.take(), "not before the queue runs")
	require.Equal(t, 1, shop.Pending(), "several changes are one delivery")
	require.Equal(t, 1, shop.Deliver(t.Context()))
	got := host.take()
	require.Len(t, got, 1)
	require.Equal(t, string(shop.Order(order)), got[0].body, "the state at delivery time")
	require.Contains(t, got[0].body, `"status":"completed"`)
	mac := hmac.New(sha256.New, []byte("s3cr&t"))
	mac.Write([]byte(got[0].body))
	require.Equal(t, base64.StdEncoding.EncodeToString(mac.Sum(nil)), got[0].header.Get("X-WC-Webhook-Signature"))
	for name, want := range map[string]string{
		"X-WC-Webhook-Source": "https://shop.test/", "X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Resource": "order",
		"X-WC-Webhook-Event": "updated", "X-WC-Webhook-ID": fmt.Sprint(id), "Content-Type": "application/json",
		"User-Agent": "WooCommerce/11.0.1 Hookshot (WordPress/7.1)",
	} {
		require.Equal(t, want, got[0].header.Get(name), name)
	}
	require.Len(t, got[0].header.Get("X-WC-Webhook-Delivery-ID"), 32)
	require.Equal(t, 0, shop.Deliver(t.Context()), "nothing is sent twice")
}

func TestWhichChangesFireWhichTopics(t *testing.T) {
	t.Parallel()
	shop, host := withReceiver(t, wootest.Config{})
	for _, topic := range []string{"order.created", "order.updated", "order.deleted", "product.updated", "product.deleted", "product.created", "customer.created"} {
		hook(t, shop, topic)
	}
	host.take()
	fires := func(name string, do func(), want ...string) {
		t.Helper()
		do()
		shop.Deliver(t.Context())
		var topics []string
		for _, d := range host.take() {
			topics = append(topics, d.header.Get("X-WC-Webhook-Topic"))
		}
		require.ElementsMatch(t, want, topics, name)
	}
	var id, product int64
	var err error
	fires("product made", func() {
		product, err = shop.AddProduct([]byte(`{"name":"Cup","regular_price":"1","manage_stock":true,"stock_quantity":9}`))
		require.NoError(t, err)
	}, "product.created")
	fires("order made", func() {
		id, err = shop.AddOrder(fmt.Appendf(nil, `{"line_items":[{"product_id":%d}]}`, product))
		require.NoError(t, err)
	}, "order.created", "order.updated")
	path := fmt.Sprint("orders/", id)
	fires("no-op", func() { send(t, shop, "PUT", path, "{}") }, "order.updated")
	fires("note", func() { send(t, shop, "POST", path+"/notes", `{"note":"n"}`) })
	fires("stock taken", func() { require.NoError(t, shop.SetStatus(id, "processing")) }, "order.updated", "product.updated")
	fires("trash, synchronised with posts", func() { require.NoError(t, shop.TrashOrder(id)) }, "order.deleted", "product.deleted")
	fires("out of the trash", func() { require.NoError(t, shop.SetStatus(id, "completed")) })
	fires("force delete", func() { require.NoError(t, shop.RemoveOrder(id)) })
}

func TestDeletedPayloadIsTheIDAlone(t *testing.T) {
	t.Parallel()
	shop, host := withReceiver(t, wootest.Config{})
	id, err := shop.AddOrder([]byte(`{}`))
	require.NoError(t, err)
	hook(t, shop, "order.deleted")
	host.take()
	require.NoError(t, shop.TrashOrder(id))
	shop.Deliver(t.Context())
	require.JSONEq(t, fmt.Sprintf(`{"id":%d}`, id), host.take()[0].body)
}

func TestDisabledAtTheSeventhFailureInARow(t *testing.T) {
	t.Parallel()
	shop, host := withReceiver(t, wootest.Config{})
	id := hook(t, shop, "order.updated")
	order, err := shop.AddOrder([]byte(`{}`))
	require.NoError(t, err)
	status := func() string {
		return send(t, shop, "GET", fmt.Sprint("webhooks/", id), "").object(t)["status"].(string)
	}
	fail := func(status int) {
		host.answer(status)
		require.NoError(t, shop.EditOrder(order, []byte(`{}`)))
		shop.Deliver(t.Context())
	}
	for _, good := range []int{200, 201, 204, 301, 302} {
		for range 6 {
			fail(500)
		}
		require.Equal(t, "active", status())
		fail(good) // sets the count to 0
	}
	for i, bad := range []int{500, 404, 303, 400, 410, 502} {
		fail(bad)
		require.Equal(t, "active", status(), i)
	}
	fail(500)
	require.Equal(t, "disabled", status())
	host.take()
	fail(200)
	require.Empty(t, host.take(), "changes while disabled are lost")
	send(t, shop, "PUT", fmt.Sprint("webhooks/", id), `{"status":"active"}`)
	fail(500)
	require.Equal(t, "disabled", status(), "the count outlives re-activation")
}

// Deliveries are part of virtual time: the queue runs by itself, a host that hangs is given a minute.
func TestDeliverEvery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{DeliverEvery: 10 * time.Minute})
		require.NoError(t, err)
		defer shop.Close()
		host := &receiver{}
		shop.DeliverTo("https://host.test/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-WC-Webhook-ID") == "2" {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
				return
			}
			host.ServeHTTP(w, r)
		}))
		hook(t, shop, "order.created")
		hook(t, shop, "order.updated")
		host.take()
		_, err = shop.AddOrder([]byte(`{}`))
		require.NoError(t, err)
		time.Sleep(9 * time.Minute)
		require.Empty(t, host.take())
		time.Sleep(3 * time.Minute)
		require.Len(t, host.take(), 1)
		require.Equal(t, 0, shop.Pending())
	})
}

// A queue that is cut off keeps what it has not sent.
func TestDeliverStopsWithItsContext(t *testing.T) {
	t.Parallel()
	shop, _ := withReceiver(t, wootest.Config{})
	hook(t, shop, "order.created")
	for range 3 {
		_, err := shop.AddOrder([]byte(`{}`))
		require.NoError(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Equal(t, 0, shop.Deliver(ctx))
	require.Equal(t, 3, shop.Pending())
	require.Equal(t, 3, shop.Deliver(t.Context()))
}

// While a delivery is under way the store answers the host that it delivers to.
func TestHostMayAskBackDuringDelivery(t *testing.T) {
	t.Parallel()
	shop := newShop(t, wootest.Config{})
	asked := make(chan int, 10)
	shop.DeliverTo("https://host.test/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var o struct{ ID int64 }
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal([]byte(strings.Replace(string(body), `"id"`, `"ID"`, 1)), &o) == nil {
			asked <- send(t, shop, "GET", fmt.Sprint("orders/", o.ID), "").status
		}
	}))
	hook(t, shop, "order.created")
	_, err := shop.AddOrder([]byte(`{}`))
	require.NoError(t, err)
	require.Equal(t, 1, shop.Deliver(t.Context()))
	require.Equal(t, 200, <-asked)
}

// Four orders of one second carry one delivery id: no key to tell deliveries apart by.
func TestDeliveryIDsRepeatWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		host := &receiver{}
		shop.DeliverTo("https://host.test/", host)
		hook(t, shop, "order.created")
		host.take()
		ids := map[string]int{}
		for range 2 {
			for range 4 {
				_, err := shop.AddOrder([]byte(`{}`))
				require.NoError(t, err)
			}
			shop.Deliver(t.Context())
			time.Sleep(time.Second)
		}
		for _, d := range host.take() {
			ids[d.header.Get("X-WC-Webhook-Delivery-ID")]++
		}
		require.Len(t, ids, 2)
		for _, n := range ids {
			require.Equal(t, 4, n)
		}
	})
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shop, err := wootest.New(wootest.Config{})
		require.NoError(t, err)
		defer shop.Close()
		host := &receiver{}
		shop.DeliverTo("https://host.test/", host)
		id := hook(t, shop, "order.created")
		host.take()
		add := func() int64 {
			id, err := shop.AddOrder([]byte(`{}`))
			require.NoError(t, err)
			return id
		}
		shop.SetWebhookFaults(wootest.WebhookFaults{Doubled: 1})
		add()
		require.Equal(t, 1, shop.Deliver(t.Context()))
		twice := host.take()
		require.Len(t, twice, 2)
		require.Equal(t, twice[0], twice[1], "the same to the letter")

		shop.SetWebhookFaults(wootest.WebhookFaults{Late: 1, Delay: time.Hour})
		late := add()
		shop.SetWebhookFaults(wootest.WebhookFaults{})
		add()
		require.Equal(t, 1, shop.Deliver(t.Context()), "the younger passes")
		host.take()
		require.NoError(t, shop.SetStatus(late, "completed"))
		time.Sleep(time.Hour)
		require.Equal(t, 1, shop.Deliver(t.Context()))
		require.Contains(t, host.take()[0].body, `"status":"completed"`, "the state when it goes")

		shop.SetWebhookFaults(wootest.WebhookFaults{Lost: 1})
		for range 7 {
			add()
			require.Equal(t, 0, shop.Deliver(t.Context()))
		}
		require.Empty(t, host.take())
		require.Equal(t, "disabled", send(t, shop, "GET", fmt.Sprint("webhooks/", id), "").object(t)["status"], "each was a failure")

		shop.SetWebhookFaults(wootest.WebhookFaults{Shuffle: true, Seed: 3})
		hook(t, shop, "order.created")
		host.take()
		var made, got []int64
		for range 20 {
			made = append(made, add())
		}
		shop.Deliver(t.Context())
		for _, d := range host.take() {
			var o struct {
				ID int64 `json:"id"`
			}
			require.NoError(t, json.Unmarshal([]byte(d.body), &o))
			got = append(got, o.ID)
		}
		require.ElementsMatch(t, made, got)
		require.NotEqual(t, made, got)
	})
}

// Deliveries of every topic that was recorded carry the members that were recorded, and actions the two of theirs.
func TestDeliveriesAreAsRecorded(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/replay/deliveries.json")
	require.NoError(t, err)
	var recorded map[string]struct{ Headers, Members []string }
	require.NoError(t, json.Unmarshal(data, &recorded))
	require.Len(t, recorded, 11)
	shop, host := withReceiver(t, wootest.Config{})
	for name := range recorded {
		topic, _, _ := strings.Cut(name, " ")
		hook(t, shop, topic)
	}
	host.take()
	product, err := shop.AddProduct([]byte(`{"name":"Cup","regular_price":"1","manage_stock":true,"stock_quantity":9}`))
	require.NoError(t, err)
	shirt, err := shop.AddProduct([]byte(`{"name":"Shirt","type":"variable"}`))
	require.NoError(t, err)
	variation := send(t, shop, "POST", fmt.Sprintf("products/%d/variations", shirt), `{"manage_stock":true,"stock_quantity":1}`).object(t)["id"]
	order, err := shop.AddOrder(fmt.Appendf(nil, `{"line_items":[{"product_id":%d}]}`, product))
	require.NoError(t, err)
	customer := send(t, shop, "POST", "customers", `{"email":"a@example.test"}`).object(t)["id"]
	require.NoError(t, shop.SetStatus(order, "completed"))
	send(t, shop, "PUT", fmt.Sprintf("products/%d/variations/%v", shirt, variation), `{"stock_quantity":3}`)
	shop.Deliver(t.Context())
	require.NoError(t, shop.TrashOrder(order))
	send(t, shop, "DELETE", fmt.Sprintf("products/%d", product), "")
	send(t, shop, "DELETE", fmt.Sprintf("customers/%v?force=true", customer), "")
	shop.Deliver(t.Context())
	seen := map[string]bool{}
	for _, d := range host.take() {
		name := d.header.Get("X-WC-Webhook-Topic")
		var body map[string]any
		require.NoError(t, json.Unmarshal([]byte(d.body), &body))
		if body["type"] == "variation" {
			name += " variation"
		}
		want, known := recorded[name]
		if !known {
			continue
		}
		seen[name] = true
		require.ElementsMatch(t, want.Members, slices.Collect(maps.Keys(body)), name)
		for _, header := range want.Headers {
			require.NotEmpty(t, d.header.Get(header), name+" "+header)
		}
	}
	require.Len(t, seen, len(recorded))
}
