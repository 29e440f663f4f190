package transactions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
	"github.com/tillwire/tillwire/retryqueue"
	"github.com/tillwire/tillwire/retryqueue/transactions"
)

// browser starts Chromium, one for a test.
func browser(t *testing.T) context.Context {
	binary := os.Getenv("TILLWIRE_TEST_CHROMIUM")
	if binary == "" {
		t.Skip("TILLWIRE_TEST_CHROMIUM is not set: the path of a Chromium to drive the screen with")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute) // a guard, no measure
	t.Cleanup(cancel)
	opts := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(binary), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()),
	})
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	require.NoError(t, chromedp.Do(ctx))
	return ctx
}

// tab is one page of the browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func newTab(browser context.Context, t *testing.T) *tab {
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext()) // cookies of its own
	t.Cleanup(cancel)
	return &tab{t, ctx}
}

// step is something to do in a tab.
type step = chromedp.Action[chromedp.Void]

func script(expression string) step { return chromedp.Evaluate[chromedp.Void](expression) }

// command sends one command of the protocol.
func command[P, R any](b *tab, c cdp.Command[P, R], params P) R {
	b.t.Helper()
	r, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (R, error) {
		return cdp.Call(ctx, target, c, params)
	})
	require.NoError(b.t, err)
	return r
}

func (b *tab) run(actions ...step) {
	b.t.Helper()
	require.NoError(b.t, chromedp.Do(b.ctx, actions...))
}

// lead does what leads to another page, waits for that and answers its status.
func (b *tab) lead(actions ...step) int {
	b.t.Helper()
	r, err := chromedp.RunResponse(b.ctx, actions...)
	require.NoError(b.t, err)
	return int(r.Status)
}

func (b *tab) open(address string) int { b.t.Helper(); return b.lead(chromedp.Navigate(address)) }

func (b *tab) click(selector string) int {
	b.t.Helper()
	return b.lead(chromedp.Click(chromedp.CSS(selector)))
}

// js evaluates an expression.
func js[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	require.NoError(b.t, err)
	return v
}

// all are the texts of what a selector finds.
func (b *tab) all(selector string) []string {
	b.t.Helper()
	return js[[]string](b, fmt.Sprintf("[...document.querySelectorAll(%q)].map(e => e.textContent.trim())", selector))
}

// keys are those of the rows shown.
func (b *tab) keys() []string {
	b.t.Helper()
	return js[[]string](b, "[...document.querySelectorAll('tr[data-key]')].map(e => e.dataset.key)")
}

func (b *tab) text() string { b.t.Helper(); return js[string](b, "document.body.innerText") }

// mount serves handlers, each under its own prefix.
func mount(t *testing.T, handlers map[string]http.Handler) (url string) {
	mux := http.NewServeMux()
	for prefix, h := range handlers {
		mux.Handle(prefix+"/", http.StripPrefix(prefix, h))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestInChromium(t *testing.T) {
	chromium := browser(t)
	t.Run("with scripts", func(t *testing.T) { drive(t, newTab(chromium, t), true) })
	t.Run("without scripts", func(t *testing.T) {
		b := newTab(chromium, t)
		command(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		drive(t, b, false)
	})
	t.Run("forbidden", func(t *testing.T) { forbidden(t, newTab(chromium, t)) })
	t.Run("by keyboard", func(t *testing.T) { byKeyboard(t, newTab(chromium, t)) })
	t.Run("looks", func(t *testing.T) { looks(t, newTab(chromium, t)) })
}

// drive does everything that a shop owner does, with a mouse.
func drive(t *testing.T, b *tab, scripts bool) {
	w := shopDays(t)
	base := mount(t, map[string]http.Handler{"/shop/transactions": w.handler(transactions.Config{Kinds: kinds})}) + "/shop/transactions/"
	by := func(kind, key string) *retryqueue.Record {
		t.Helper()
		for r, err := range w.queue.All(t.Context(), retryqueue.Query{Kinds: []string{kind}}) {
			require.NoError(t, err)
			if r.Key == key {
				return r
			}
		}
		require.Fail(t, "no such job", key)
		return nil
	}
	require.Equal(t, 200, b.open(base))
	require.Len(t, b.keys(), 25)
	require.Equal(t, []string{"All 53", "Success 48", "Retrying 3", "Failed 2", "Discarded 1"}, b.all("nav.tabs a"))
	require.Equal(t, scripts, js[bool](b, "document.querySelector('#all').checkVisibility()"))

	// Filter.
	b.click("nav.tabs a:nth-child(4)")
	require.Equal(t, []string{"order:1031", "order:1030"}, b.keys())
	b.run(chromedp.Click(chromedp.CSS("details.tool summary")), chromedp.SendKeys(chromedp.CSS("#f-error"), "ARCHIVED"))
	b.click("form[method=get] button")
	require.Equal(t, []string{"order:1030"}, b.keys())
	b.run(chromedp.Click(chromedp.CSS("td.c-error summary")))
	require.Contains(t, b.text(), longError)
	b.click("a[href]:not(nav a).plain") // clear filters
	require.Len(t, b.keys(), 2)

	// Sort and page.
	b.click("nav.tabs a")
	b.click("th.c-order a")
	require.Equal(t, "descending", js[string](b, "document.querySelector('th.c-order').ariaSort"))
	require.Equal(t, "order:1036", b.keys()[0])
	b.click("th.c-order a")
	require.Equal(t, "ascending", js[string](b, "document.querySelector('th.c-order').ariaSort"))
	first := b.keys()
	require.Equal(t, "order:1001", first[0])
	require.True(t, slices.IsSorted(first))
	b.click("a[rel=next]")
	require.Contains(t, b.text(), "26–50 of 53")
	require.GreaterOrEqual(t, b.keys()[0], first[24]) // an order has two
	b.click("a[rel=last]")
	require.Equal(t, "order:1036", b.keys()[2])

	// Columns and rows are remembered.
	b.run(chromedp.Click(chromedp.CSS("details.tool:nth-of-type(2) summary")), chromedp.Click(chromedp.CSS("input[name=show][value=type]")),
		chromedp.SetValue(chromedp.CSS("#f-rows"), "40"))
	b.click("form[action=columns] button")
	require.Len(t, b.keys(), 40)
	b.open(base)
	require.Len(t, b.keys(), 40)
	require.Empty(t, b.all("td.c-type"))

	// Retry one.
	b.open(base + "?status=failed")
	b.click("tr[data-key='order:1031'] button")
	require.Contains(t, b.text(), "1 transaction is tried again now.")
	require.Equal(t, []string{"order:1030"}, b.keys(), "the filter stays")
	job := by("kledo.invoice", "order:1031")
	require.Equal(t, retryqueue.Queued, job.State)
	require.True(t, job.ByHand)

	// Retry selected.
	b.open(base + "?status=retrying")
	b.run(chromedp.Click(chromedp.CSS("tr[data-key='order:1033'] input")), chromedp.Click(chromedp.CSS("tr[data-key='order:1034'] input")))
	if scripts {
		require.Equal(t, "2 selected", js[string](b, "document.querySelector('#chosen').value"))
	}
	b.click(".bulk button[value=retry]")
	require.Contains(t, b.text(), "2 transactions are tried again now.")
	require.True(t, by("kledo.invoice", "order:1033").ByHand)
	require.True(t, by("kledo.order", "order:1034").ByHand)

	// Send again: only behind the warning.
	b.open(base + "?status=success&kind=kledo.invoice")
	b.click("tr[data-key='order:1035'] a[href^=confirm]")
	require.Contains(t, b.text(), warning)
	require.Equal(t, retryqueue.Succeeded, by("kledo.invoice", "order:1035").State)
	b.click("form button.primary")
	require.Contains(t, b.text(), "1 transaction is sent again now.")
	job = by("kledo.invoice", "order:1035")
	require.Equal(t, retryqueue.Queued, job.State)
	require.True(t, job.ByHand)

	// A job's page, and discard from it.
	b.open(base + "?status=failed")
	b.click("tr[data-key='order:1030'] a[href^=jobs]")
	require.Contains(t, b.text(), longError)
	require.Contains(t, b.text(), "customer@mail.example")
	b.click("a[href*='act=discard']")
	require.Equal(t, retryqueue.Failed, by("kledo.invoice", "order:1030").State)
	b.click("form button.danger")
	require.Contains(t, b.text(), "1 transaction was discarded.")
	require.Equal(t, retryqueue.Discarded, by("kledo.invoice", "order:1030").State)

	// Discard selected.
	b.open(base + "?status=retrying")
	b.run(chromedp.Click(chromedp.CSS("tr[data-key='order:1036'] input")))
	b.click(".bulk button[value=discard]")
	require.Equal(t, []string{"#1036 Ketut Wijaya"}, b.all(".asked strong"))
	b.click("form button.danger")
	require.Equal(t, retryqueue.Discarded, by("kledo.order", "order:1036").State)
	b.open(base)
	require.NotContains(t, b.keys(), "order:1036")
	b.click("nav.tabs a:nth-child(5)")
	require.ElementsMatch(t, []string{"order:1030", "order:1032", "order:1036"}, b.keys())

	if scripts {
		b.open(base + "?status=retrying")
		b.run(chromedp.Click(chromedp.CSS("#all input")))
		require.True(t, js[bool](b, "[...document.querySelectorAll('tbody input')].every(e => e.checked)"))
		w.add(w.orders, task{OrderID: 2000})
		b.run(script("window.dispatchEvent(new Event('focus'))"), chromedp.Poll[chromedp.Void](
			"document.querySelector('[data-count=success]').textContent === '49'", chromedp.WithPollingTimeout(5*time.Second)))
	}
}

func forbidden(t *testing.T, b *tab) {
	w := shopDays(t)
	base := mount(t, map[string]http.Handler{
		"/none": w.handler(transactions.Config{}, transactions.View),
		"/look": w.handler(transactions.Config{}, transactions.Retry, transactions.Resend, transactions.Discard, transactions.ViewPersonal),
	})
	require.Equal(t, 403, b.open(base+"/none/"))
	require.Contains(t, b.text(), "You are not allowed")
	require.NotContains(t, b.text(), "1031")

	require.Equal(t, 200, b.open(base+"/look/?status=failed"))
	require.Equal(t, []string{"order:1031", "order:1030"}, b.keys())
	require.Empty(t, b.all("#rows button, #rows input:not([type=hidden])"))
	require.Equal(t, 403, b.lead(script(`{
		const act = document.createElement("input"), id = document.createElement("input");
		[act.name, act.value, id.name, id.value] = ["act", "retry", "id", document.querySelector("tr[data-id]").dataset.id];
		document.querySelector("#rows").append(act, id);
		document.querySelector("#rows").submit();
	}`)))
	b.open(base + "/look/?status=failed")
	b.click("tr[data-key='order:1030'] a[href^=jobs]")
	require.NotContains(t, b.text(), "customer@mail.example")
	require.Contains(t, b.text(), "Personal data is hidden")
	for r, err := range w.queue.All(t.Context(), retryqueue.Query{}) {
		require.NoError(t, err)
		require.False(t, r.ByHand)
	}
}

// byKeyboard reaches every control with Tab, and acts with Space and Enter.
func byKeyboard(t *testing.T, b *tab) {
	w := shopDays(t)
	base := mount(t, map[string]http.Handler{"/t": w.handler(transactions.Config{Kinds: kinds})}) + "/t/"
	b.open(base + "?status=retrying&error=o")
	controls := js[int](b, `(window.seen = new Set(), [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")]
		.filter(e => e.checkVisibility()).length)`)
	require.Greater(t, controls, 25)
	for range 3 * controls {
		b.run(chromedp.KeyEvent(kb.Tab))
		if js[bool](b, "(seen.add(document.activeElement), document.activeElement === document.body)") {
			break
		}
	}
	require.Equal(t, controls, js[int](b, "(seen.delete(document.body), seen.size)"))

	b.run(chromedp.Focus(chromedp.CSS("tr[data-key='order:1033'] input")), chromedp.KeyEvent(" "))
	b.run(chromedp.Focus(chromedp.CSS(".bulk button[value=retry]")))
	b.lead(chromedp.KeyEvent(kb.Enter))
	require.Contains(t, b.text(), "1 transaction is tried again now.")
	b.open(base + "?status=success&rows=1")
	b.run(chromedp.Focus(chromedp.CSS("a[href^=confirm]")))
	b.lead(chromedp.KeyEvent(kb.Enter))
	b.run(chromedp.Focus(chromedp.CSS("form button.primary")))
	b.lead(chromedp.KeyEvent(kb.Enter))
	require.Contains(t, b.text(), "1 transaction is sent again now.")
}

// looks holds every page to what can be measured: no sideways scrolling on a small phone, names and contrast.
func looks(t *testing.T, b *tab) {
	w := shopDays(t)
	tidy := mount(t, map[string]http.Handler{"/t": w.handler(transactions.Config{Kinds: kinds})}) + "/t/"
	b.run(chromedp.EmulateViewport(1360, 860))
	b.open(tidy)
	b.shot("screen")
	b.run(chromedp.EmulateViewport(360, 800, chromedp.EmulateMobile), script("document.querySelector('#rows').scrollIntoView()"))
	b.shot("screen-small")
	long := strings.Repeat("Wide", 50)
	wide := w.add(w.invoices, task{OrderID: 1, Fails: long + " " + strings.Repeat("and so on ", 20), Label: long, Link: "https://shop.example/" + long})
	w.add(w.orders, task{OrderID: 2, Label: "شركة 会社 " + long})
	require.NoError(t, w.queue.Pause(t.Context(), retryqueue.KindPause{Kind: "kledo.order", For: time.Hour, Reason: long}))
	base := mount(t, map[string]http.Handler{
		"/t": w.handler(transactions.Config{Kinds: kinds}), "/m": w.handler(transactions.Config{}, transactions.ViewPersonal),
	}) + "/t/"
	pages := map[string]string{
		"list":    base + "?rows=30&notice=retry.2.3",
		"filters": base + "?error=e&kind=kledo.invoice&page=1&rows=2",
		"empty":   base + "?error=nowhere",
		"bad":     base + "?status=discarded&notice=discard.1.1",
		"job":     base + "../m/jobs/" + string(wide),
		"confirm": base + "confirm?act=discard&id=" + string(wide),
		"missing": base + "jobs/none",
	}
	for _, scheme := range []string{"light", "dark"} {
		command(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		for name, address := range pages {
			b.run(chromedp.EmulateViewport(1280, 900))
			b.open(address)
			b.run(script("document.querySelectorAll('details').forEach(d => d.open = true)"))
			require.Empty(t, js[[]string](b, contrast), "%s, %s: text with less than 4.5:1", name, scheme)
			require.LessOrEqual(t, js[int](b, "document.documentElement.scrollWidth"), 1280, name)
			require.Empty(t, js[[]string](b, spilling), "%s: what sticks out of its panel", name)
			b.named(name)
			b.shot(name + "-" + scheme)
			if scheme == "dark" { // only colours differ
				continue
			}
			b.run(chromedp.EmulateViewport(360, 800, chromedp.EmulateMobile))
			require.LessOrEqual(t, js[int](b, "Math.max(document.documentElement.scrollWidth, innerWidth)"), 360, "%s scrolls sideways", name)
			require.Empty(t, js[[]string](b, spilling), "%s, small: what sticks out of its panel", name)
			require.Empty(t, js[[]string](b, contrast), "%s, %s, small: text with less than 4.5:1", name, scheme)
			b.named(name)
			b.shot(name + "-" + scheme + "-small")
		}
	}
}

// named wants a name for everything that can have the focus in Chromium's accessibility tree.
func (b *tab) named(page string) {
	b.t.Helper()
	focusable := 0
	for _, n := range command(b, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{}).Nodes {
		for _, p := range n.Properties {
			if n.Ignored || p.Name != accessibility.PropertyNameFocusable || string(p.Value.Value) != "true" {
				continue
			}
			focusable++
			var name string
			if n.Name != nil {
				require.NoError(b.t, json.Unmarshal(n.Name.Value, &name))
			}
			if strings.TrimSpace(name) == "" {
				b.t.Errorf("%s: a %s has no name", page, n.Role.Value)
			}
		}
	}
	require.Greater(b.t, focusable, 1)
}

// shot keeps a picture where TILLWIRE_SCREENSHOTS names a folder, for people to look at.
func (b *tab) shot(name string) {
	dir := os.Getenv("TILLWIRE_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}

// spilling lists what is wider than the panel it is in.
const spilling = `[...document.querySelectorAll(".panel *:not(option)")].filter((e) => e.checkVisibility() && !e.closest(".unseen, thead a") &&
	e.getBoundingClientRect().right > e.closest(".panel").getBoundingClientRect().right + 0.5).map((e) => e.tagName + " " + e.className)`

// contrast lists the texts whose colour is too near to what they stand on.
const contrast = `(() => {
	const rgba = (c) => {
		const [r, g, b, a = 1] = c.match(/[\d.]+/g).map(Number);
		return { r, g, b, a };
	};
	const over = (top, under) => ({
		r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1,
	});
	const ground = (e) => {
		if (!e) return { r: 255, g: 255, b: 255, a: 1 };
		const c = rgba(getComputedStyle(e).backgroundColor);
		return c.a === 1 ? c : over(c, ground(e.parentElement));
	};
	const light = ({ r, g, b }) => {
		const [x, y, z] = [r, g, b].map((v) => ((v /= 255), v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
		return 0.2126 * x + 0.7152 * y + 0.0722 * z;
	};
	const poor = [];
	const check = (e, color, what) => {
		const on = ground(e);
		const [a, b] = [light(over(rgba(color), on)), light(on)];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) poor.push(what.trim().slice(0, 40) + " " + ratio.toFixed(2));
	};
	document.querySelectorAll("*").forEach((e) => (e.style.transition = "none"));
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (walk.currentNode.data.trim() && e.checkVisibility()) check(e, getComputedStyle(e).color, walk.currentNode.data);
	}
	for (const e of document.querySelectorAll("input, select")) if (e.checkVisibility()) check(e, getComputedStyle(e).color, e.name);
	for (const e of document.querySelectorAll("[data-label], th a")) {
		for (const part of ["::before", "::after"]) {
			const s = getComputedStyle(e, part);
			if (s.content !== "none" && e.checkVisibility()) check(e, s.color, s.content);
		}
	}
	return poor;
})()`
