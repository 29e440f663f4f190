// Package sitootest is a Sitoo in memory, for tests of programs that speak to one.
//
//	till, err := sitootest.New(sitootest.Config{})
//	defer till.Close()
//	warehouse := till.AddWarehouse("Storgatan", sitoo.FIFO)
//	client, err := sitoo.New(till.Config())
//
// [Till] is an http.Handler. [Till.Transport] reaches it over in-memory pipes, also within a testing/synctest bubble; [Till.Start] gives it a loopback
// address. [Till.SetFaults] lets requests go wrong.
//
// It does what integrators stumble over: pages of 10, reduced default fields, inactive products hidden, unknown filters ignored, money that must be
// text with two decimals, answers of batches that are 200 although items failed, ids that are bare numbers, 400 for unknown ids, 429 for two requests at once
// and for a used-up time slot, families that are replaced as a whole, FIFO warehouses whose totals no PUT changes, batches of which one of a type is open
// at a time, deliveries that book stock, rows numbered from 0.
//
// It implements products, families, images, categories, manufacturers, VAT groups, price lists, custom attributes, warehouses, stock, stock batches,
// transactions, orders, order logs, deliveries, vouchers, stores, cash registers, users, reason codes and sites. No answer is built from a type of package sitoo:
// a fake made of our own structs would agree with our own mistakes. It was written from descriptions of Sitoo; no recording of a real one was at hand.
package sitootest
