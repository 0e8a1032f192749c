package main

import (
	"net/http"
	"time"
)

// newHTTPServer returns a server that closes connections whose client is too slow: a
// client must not be able to keep connections for ever.
func newHTTPServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      5 * time.Minute, // a report may have hundreds of megabytes
		IdleTimeout:       2 * time.Minute,
	}
}
