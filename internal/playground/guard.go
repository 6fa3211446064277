package playground

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/seed-8a2ffb75/stripeapps"
)

var (
	errNotLocal = stripeapps.NewError("not_local", http.StatusForbidden,
		"the playground is only for this machine's own browser: open it at 127.0.0.1 or localhost, without a proxy or tunnel")
	errCrossOrigin = stripeapps.NewError("cross_origin", http.StatusForbidden,
		"only the playground's own page may call this: the extension has to ask that page")
)

// isLoopback reports whether only this machine can reach a listener at addr.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// localOnly keeps away other sites that have pointed their own name at this
// machine (DNS rebinding), and what says that it comes through a proxy or tunnel.
// A proxy that rewrites Host and says nothing is not noticed.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocalHost(r.Host) || isForwarded(r.Header) {
			stripeapps.WriteProblem(w, r, errNotLocal)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func isLocalHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		host = host[1 : len(host)-1]
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() && ip.Zone() == "" || strings.EqualFold(host, "localhost")
}

func isForwarded(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "X-Forwarded-") || slices.Contains(forwardingHeaders, name) {
			return true
		}
	}
	return false
}

var forwardingHeaders = []string{"Forwarded", "Via", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"}

// sameOriginOnly refuses browsers on any other page, and so the extension, whose
// origin is null. CrossOriginProtection lets every GET pass.
func sameOriginOnly(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site := r.Header.Get("Sec-Fetch-Site")
		if protection.Check(r) != nil || site != "" && site != "same-origin" && site != "none" {
			stripeapps.WriteProblem(w, r, errCrossOrigin)
			return
		}
		next.ServeHTTP(w, r)
	})
}
