package install

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

const (
	cookiePrefix      = "__Host-stripe_install_"
	cookieNameChars   = 8 // behind the prefix
	cookieSecretBytes = 32

	// mostCookies is how many installs can be under way in one browser.
	mostCookies = 8

	// mostCookieBytes bounds what a browser sends of cookies, before it is parsed.
	mostCookieBytes = 64 << 10
)

func cookieName(hash []byte) string {
	return cookiePrefix + base64.RawURLEncoding.EncodeToString(hash)[:cookieNameChars]
}

// setCookie sets a cookie for maxAge seconds, or deletes it. The prefix __Host- lets
// browsers take it from this host alone, over TLS or from the machine that they run on:
// no subdomain can set it. Lax sends it when Stripe leads the browser back.
//
// https://www.rfc-editor.org/rfc/rfc6265
// https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix
func setCookie(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, MaxAge: maxAge,
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// hashOf is the hash of a cookie's value, which has no NUL in it, and a session.
func hashOf(value, session string) [sha256.Size]byte {
	if session != "" {
		value += "\x00" + session
	}
	return sha256.Sum256([]byte(value))
}

// hasCookie reports whether a browser has the one cookie whose value has this hash, with
// the session.
func hasCookie(r *http.Request, hash []byte, session string) bool {
	if cookieBytes(r) > mostCookieBytes {
		return false
	}
	cookies := r.CookiesNamed(cookieName(hash))
	if len(cookies) != 1 {
		return false
	}
	sum := hashOf(cookies[0].Value, session)
	return subtle.ConstantTimeCompare(sum[:], hash) == 1
}

// forgetOldCookies leaves room for one more cookie of an install among those that a
// browser has. They come with the oldest first.
//
// https://www.rfc-editor.org/rfc/rfc6265#section-5.4
func forgetOldCookies(w http.ResponseWriter, r *http.Request) {
	if cookieBytes(r) > mostCookieBytes {
		return
	}
	var names []string
	for _, cookie := range r.Cookies() {
		if isCookieName(cookie.Name) {
			names = append(names, cookie.Name)
		}
	}
	if surplus := len(names) - (mostCookies - 1); surplus > 0 {
		for _, name := range names[:min(surplus, 4*mostCookies)] {
			setCookie(w, name, "", -1)
		}
	}
}

func isCookieName(name string) bool {
	id, ok := strings.CutPrefix(name, cookiePrefix)
	_, err := base64.RawURLEncoding.DecodeString(id)
	return ok && len(id) == cookieNameChars && err == nil
}

func cookieBytes(r *http.Request) (n int) {
	for _, line := range r.Header["Cookie"] {
		n += len(line)
	}
	return n
}
