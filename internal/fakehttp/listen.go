package fakehttp

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Start serves h on a loopback address of its own choice until stop is called. The URL has no slash at its end.
func Start(h http.Handler) (url string, stop func(), err error) {
	l, err := listen()
	if err != nil {
		return "", nil, err
	}
	return "http://" + l.Addr().String(), serve(h, l), nil
}

// StartTLS is Start behind TLS, with a certificate made for this call. caPEM is what a client must trust.
func StartTLS(h http.Handler) (url string, caPEM []byte, stop func(), err error) {
	cert, caPEM, err := selfSigned()
	if err != nil {
		return "", nil, nil, err
	}
	l, err := listen()
	if err != nil {
		return "", nil, nil, err
	}
	secure := tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	return "https://" + l.Addr().String(), caPEM, serve(h, secure), nil
}

func listen() (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fakehttp: no loopback address: %w", err)
	}
	return l, nil
}

func serve(h http.Handler, l net.Listener) (stop func()) {
	var busy sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	s := &http.Server{
		ReadHeaderTimeout: time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		// A client that refuses our certificate is no news to whoever started the fake.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			busy.Add(1)
			defer busy.Done()
			h.ServeHTTP(w, r)
		}),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	return func() {
		_ = s.Close()
		cancel()
		<-done
		busy.Wait()
	}
}

// selfSigned makes a certificate for the loopback names that is its own authority.
func selfSigned() (cert tls.Certificate, caPEM []byte, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return cert, nil, fmt.Errorf("fakehttp: key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: "tillwire fake"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(365 * 24 * time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return cert, nil, fmt.Errorf("fakehttp: certificate: %w", err)
	}
	cert = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
