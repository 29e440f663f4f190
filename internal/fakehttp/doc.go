// Package fakehttp is the one server core under the fakes of Tillwire (wootest, kledotest and their sisters).
//
// A fake is an [http.Handler]. This package puts the real [http.Server] before it, in one of two ways:
//
//   - [NewTransport] reaches it over in-memory pipes. A socket stops the clock of a testing/synctest bubble for good; a pipe
//     does not, and since the server and the client transport are the real ones, dropped connections, cut bodies and
//     time-outs behave as they do on a network.
//   - [Start] and [StartTLS] give it a loopback address, for programs in other processes.
//
// [Injector] stands between the two and the handler and lets things go wrong on purpose: see [Fault].
package fakehttp
