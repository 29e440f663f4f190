package sitoosync

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// cameDown is the Sum of the link of an order that came from the till.
const cameDown = "down"

// cameDown is the till's order that an order was made of, by what its meta data say.
func (s *Sync) cameDown(o *woo.Order) (id sitoo.OrderID, down bool) {
	ref, _ := o.MetaData.Get(referenceKey)
	of, down := strings.CutPrefix(ref.String(), s.c.Name+":order:")
	if !down {
		return 0, false
	}
	id, err := idOf[sitoo.OrderID](of)
	return id, err == nil
}

// externalID is the name by which the till knows an order of the shop: "woo-1042", or under a Config.Name of one's own "name-1042". Of
// an order that was cancelled and wanted again the further ones are numbered: "woo-1042-2".
func (s *Sync) externalID(id woo.OrderID, nth int) string {
	if nth > 1 {
		return fmt.Sprintf("%s%d-%d", s.orderPrefix(), id, nth)
	}
	return s.orderPrefix() + number(id)
}

func (s *Sync) orderPrefix() string {
	if s.c.Name == defaultName {
		return "woo-"
	}
	return s.c.Name + "-"
}

// ownOrder reports whether an order of the till's was made of one of the shop's.
func (s *Sync) ownOrder(externalID string) bool {
	rest, own := strings.CutPrefix(externalID, s.orderPrefix())
	return own && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}

// trip is how far an order has come at the till, kept as the Sum of its link.
type trip struct {
	nth   int           // which of the till's orders for it this is, from 1
	order sitoo.OrderID // the newest of them
	// collected: it was sent in the state that click and collect asks for; delivered and cancelled: so it was.
	collected, delivered, cancelled bool
}

// String is the trip as a Sum: "up:1:20991:cd".
func (t trip) String() string {
	flags := ""
	for _, f := range []struct {
		set  bool
		flag string
	}{{t.collected, "c"}, {t.delivered, "d"}, {t.cancelled, "x"}} {
		if f.set {
			flags += f.flag
		}
	}
	return fmt.Sprintf("up:%d:%d:%s", t.nth, t.order, flags)
}

func readTrip(sum string) (trip, error) {
	var t trip
	parts := strings.Split(sum, ":")
	if len(parts) != 4 || parts[0] != "up" {
		return t, fmt.Errorf("its link says %q of how far it has come at the till, which cannot be read", sum)
	}
	nth, err1 := idOf[woo.OrderID](parts[1])
	order, err2 := idOf[sitoo.OrderID](parts[2])
	t.nth, t.order = int(nth), order
	flag := func(f string) bool { return strings.Contains(parts[3], f) }
	t.collected, t.delivered, t.cancelled = flag("c"), flag("d"), flag("x")
	return t, errors.Join(err1, err2)
}
