package response_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/internal/response"
)

func TestNamesAreMergedAsASet(t *testing.T) {
	for _, test := range []struct{ lists, want []string }{
		{nil, nil},
		{[]string{"Origin"}, []string{"Origin"}},
		{[]string{"Origin", "origin"}, []string{"Origin"}},
		{[]string{"Origin, Accept", "Accept,Cookie"}, []string{"Origin, Accept", "Cookie"}},
		{[]string{"Accept , Accept"}, []string{"Accept"}},
		{[]string{"Cookie, Accept, Accept"}, []string{"Cookie", "Accept"}},
		{[]string{"Accept", "Accept, A,B"}, []string{"Accept", "A", "B"}},
		{[]string{"", " , "}, []string{}},
		{[]string{"Accept-Encoding", "Accept"}, []string{"Accept-Encoding", "Accept"}},
		{[]string{"*", "Origin"}, []string{"*"}},
	} {
		given := strings.Join(test.lists, "|")
		assert.Equal(t, test.want, response.MergeNames(test.lists), given)
		assert.Equal(t, given, strings.Join(test.lists, "|"), "the lists are left alone")
	}
}

var testGrant = &response.Grant{Origin: "https://app.example.com", Credentials: true, Exposed: "X-One"}

// chainHeader is what a chain with everything sends.
func chainHeader(more ...string) http.Header {
	header := http.Header{
		"Access-Control-Allow-Origin":      {"https://app.example.com"},
		"Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers":    {"X-One"},
		"Content-Security-Policy":          {"default-src 'none'"},
		"Vary":                             {"Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
		"Cache-Control":                    {"no-store"},
	}
	for i := 0; i < len(more); i += 2 {
		header[more[i]] = []string{more[i+1]}
	}
	return header
}

// serve calls a handler in a chain with everything.
func serve(w http.ResponseWriter, handler func(w http.ResponseWriter)) {
	w, chain := response.Wrap(w)
	chain.Demand([]response.Line{{Name: "Content-Security-Policy", Value: "default-src 'none'"}})
	chain.Allow(testGrant)
	w = response.Private(w)
	handler(w)
	response.Finish(w)
}

func TestTheChainsHeadersAreOnTheResponseWhateverHappensToTheMap(t *testing.T) {
	for name, change := range map[string]func(header http.Header){
		"nothing": func(http.Header) {},
		"cleared": func(header http.Header) { clear(header) },
		"replaced": func(header http.Header) {
			for name := range header {
				header.Set(name, header.Get(name))
			}
			header.Set("Access-Control-Allow-Origin", "*")
		},
		"doubled": func(header http.Header) {
			for _, name := range []string{
				"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Expose-Headers",
				"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Access-Control-Allow-Private-Network",
			} {
				header.Add(name, "*")
			}
			header.Add("Vary", "origin")
		},
		"changed in place": func(header http.Header) {
			for _, values := range header {
				values[0] = "Origin"
			}
			header.Del("Content-Security-Policy")
			header.Del("Cache-Control") // which it would have set to Origin itself
		},
		"written past its methods": func(header http.Header) {
			header["vary"] = []string{"origin"}
			header["VARY"] = []string{"Stripe-Account-Id"}
			header["content-security-Policy"] = []string{"default-src 'none'"}
			header["cache-control"] = nil
			for _, name := range []string{
				"origin", "credentials", "methods", "headers", "private-network",
			} {
				header["access-control-allow-"+name] = []string{"*"}
			}
			header["access-control-expose-headers"] = []string{"*"}
			header["ACCESS-CONTROL-MAX-AGE"] = []string{"60"}
		},
		"cleared and written past its methods": func(header http.Header) {
			clear(header)
			header["vary"] = []string{"Origin"}
			header["content-security-policy"] = []string{"default-src 'none'"}
			header["access-control-allow-origin"] = []string{"*"}
		},
	} {
		for begin, write := range map[string]func(w http.ResponseWriter){
			"nothing":  func(w http.ResponseWriter) {},
			"a status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
			"a body":   func(w http.ResponseWriter) { w.Write(nil) },
			"a text":   func(w http.ResponseWriter) { io.WriteString(w, "") },
			"a flush":  func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
			"a 103":    func(w http.ResponseWriter) { w.WriteHeader(103); clear(w.Header()); w.WriteHeader(200) },
			"a 101":    func(w http.ResponseWriter) { w.WriteHeader(101) },
		} {
			w := httptest.NewRecorder()
			serve(w, func(w http.ResponseWriter) { change(w.Header()); write(w) })
			w.Header().Del("Content-Type") // which the recorder guesses
			assert.Equal(t, chainHeader(), w.Header(), "%s, then %s", name, begin)
		}
	}
}

func TestWhoHijacksFindsTheChainsHeaders(t *testing.T) {
	below := someWriters(httptest.NewRecorder())[14]
	serve(below, func(w http.ResponseWriter) {
		clear(w.Header())
		http.NewResponseController(w).Hijack()
		assert.Equal(t, chainHeader(), w.Header(), "as httputil.ReverseProxy sends it with a 101")
	})
}

func TestWhatAHandlerMaySay(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "private, max-age=60")
		w.Header().Add("Vary", "Accept, Origin")
		w.Header().Set("Content-Security-Policy", "img-src 'none'")
	})
	want := chainHeader("Cache-Control", "private, max-age=60")
	want["Vary"] = []string{"Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id", "Accept"}
	want["Content-Security-Policy"] = []string{"img-src 'none'", "default-src 'none'"}
	assert.Equal(t, want, w.Header())
}

// Clients know no case: what is written straight into the map counts as what is set.
func TestWhatAHandlerMaySayInAnotherCase(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		w.Header()["cache-control"] = []string{"private", "max-age=60"}
		w.Header()["vary"] = []string{"Accept, Origin"}
		w.Header()["content-security-policy"] = []string{"img-src 'none'"}
		w.Header()["x-own"] = []string{"1"}
		w.Header()["Trailer:vary"] = []string{"1"}
	})
	want := chainHeader()
	want["Cache-Control"] = []string{"private", "max-age=60"}
	want["Vary"] = []string{"Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id", "Accept"}
	want["Content-Security-Policy"] = []string{"default-src 'none'", "img-src 'none'"}
	want["x-own"], want["Trailer:vary"] = []string{"1"}, []string{"1"} // none of the chain's
	assert.Equal(t, want, w.Header())

	w = httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		w.Header().Set("Cache-Control", "private")
		w.Header()["cache-control"] = []string{"max-age=60"}
	})
	want = chainHeader()
	want["Cache-Control"] = []string{"private", "max-age=60"}
	assert.Equal(t, want, w.Header(), "it has said both")
}

func TestWhatTheChainHasNothingToSayOfIsLeftAsItIs(t *testing.T) {
	w := httptest.NewRecorder()
	inner, _ := response.Wrap(w)
	own := http.Header{
		"cache-control": {"max-age=60"}, "content-security-policy": {"sandbox"}, "access-control-allow-origin": {"*"},
	}
	maps.Copy(w.Header(), own)
	response.Finish(inner)
	assert.Equal(t, own, w.Header())
}

// What is set outside, as a default for all responses, says nothing of this one.
func TestWhatStandsThereWhenTheChainBegins(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Cache-Control", "public, max-age=60")
	w.Header().Set("Vary", "Accept-Encoding")
	w.Header().Set("Access-Control-Max-Age", "60")
	w.Header().Set("X-Request-Id", "1")
	serve(w, func(w http.ResponseWriter) { w.Header().Del("Vary") })
	want := chainHeader("X-Request-Id", "1")
	want["Vary"] = []string{"Accept-Encoding", "Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"}
	assert.Equal(t, want, w.Header())
}

func TestThereIsOneWriterForTheWholeChain(t *testing.T) {
	outer, chain := response.Wrap(httptest.NewRecorder())
	inner, same := response.Wrap(outer)
	assert.Same(t, chain, same)
	assert.Same(t, outer, inner)
	assert.Same(t, outer, response.Private(outer))

	_, another := response.Wrap(hidingWriter{outer})
	assert.NotSame(t, chain, another, "a middleware stands between")
	refusal, _ := response.ForRefusal(outer)
	_, another = response.Wrap(refusal)
	assert.NotSame(t, chain, another)
}

func TestTheInnermostGrantCounts(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		inner, chain := response.Wrap(hidingWriter{w})
		chain.Allow(&response.Grant{Origin: "null"})
		inner.WriteHeader(http.StatusNoContent)
	})
	want := chainHeader("Access-Control-Allow-Origin", "null")
	delete(want, "Access-Control-Allow-Credentials")
	delete(want, "Access-Control-Expose-Headers")
	assert.Equal(t, want, w.Header())
}

// addingWriter adds a header of its own to whatever goes through it.
type addingWriter struct{ hidingWriter }

func (w addingWriter) WriteHeader(status int) {
	w.Header().Set("Access-Control-Max-Age", "60")
	w.hidingWriter.WriteHeader(status)
}

func TestAPartThatGrantsNothingLeavesCORSToWhatStandsBehindIt(t *testing.T) {
	w := httptest.NewRecorder()
	outer, chain := response.Wrap(w)
	chain.Demand([]response.Line{{Name: "X-Chain", Value: "1"}})
	inner, granting := response.Wrap(addingWriter{hidingWriter{outer}})
	granting.Allow(&response.Grant{Origin: "*"})
	inner.WriteHeader(http.StatusNoContent)
	assert.Equal(t, http.Header{
		"X-Chain": {"1"}, "Access-Control-Allow-Origin": {"*"}, "Vary": {"Origin"}, "Access-Control-Max-Age": {"60"},
	}, w.Header())
}

// Some adapters keep a writer of their own and copy what they find.
func TestTheHeadersAreThereBeforeTheHandlerIsCalled(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Vary", "Accept")
	serve(w, func(w http.ResponseWriter) {
		want := chainHeader()
		want["Vary"] = []string{"Accept", "Origin", "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"}
		assert.Equal(t, want, w.Header())
	})
}

func TestWhatAHandlerSharesIsNotWrittenTo(t *testing.T) {
	shared := []string{"img-src 'none'", "mine"}
	lines := []response.Line{{Name: "Content-Security-Policy", Value: "sandbox"}, {Name: "X-Mine", Value: "1"}}
	w := httptest.NewRecorder()
	inner, chain := response.Wrap(w)
	chain.Demand(lines[:1])
	chain.Demand([]response.Line{{Name: "Content-Security-Policy", Value: "default-src 'none'"}})
	w.Header()["Content-Security-Policy"] = shared[:1]
	inner.WriteHeader(http.StatusOK)
	assert.Equal(t, []string{"img-src 'none'", "sandbox", "default-src 'none'"}, w.Header()["Content-Security-Policy"])
	assert.Equal(t, []string{"img-src 'none'", "mine"}, shared)
	assert.Equal(t, response.Line{Name: "X-Mine", Value: "1"}, lines[1])
}

// A trailer is set once the response has begun.
func TestOnceAResponseHasBegunTheHeaderIsLeftAlone(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter){
		"a status":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
		"a body":      func(w http.ResponseWriter) { w.Write([]byte("x")) },
		"a text":      func(w http.ResponseWriter) { io.WriteString(w, "x") },
		"a reader":    func(w http.ResponseWriter) { w.(io.ReaderFrom).ReadFrom(strings.NewReader("x")) },
		"a flush":     func(w http.ResponseWriter) { flush(w) },
		"a hijacking": func(w http.ResponseWriter) { http.NewResponseController(w).Hijack() },
		"the end":     func(http.ResponseWriter) {},
	} {
		below := someWriters(httptest.NewRecorder())[14]
		serve(below, func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusOK)
			clear(w.Header())
			write(w)
		})
		assert.Empty(t, below.Header(), name)
	}
}

func TestEarlyHintsAreTheHandlersOwn(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		clear(w.Header())
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		assert.Equal(t, http.Header{"Link": {"</style.css>; rel=preload"}}, w.Header())
	})
}

func TestAHandlersVaryHasNoNameTwice(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) { w.Header().Set("Vary", "stripe-account-id") })
	assert.Equal(t, []string{"stripe-account-id", "Origin", "Stripe-Signature", "Stripe-User-Id"}, w.Header()["Vary"])
}

// A slice that is shared would let a handler change other responses.
func TestNoValuesAreShared(t *testing.T) {
	respond := func() http.Header {
		w := httptest.NewRecorder()
		serve(w, func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) })
		got := w.Header().Clone()
		for _, values := range w.Header() {
			values[0] = "spoiled"
		}
		return got
	}
	respond()
	assert.Equal(t, chainHeader(), respond())
}

func TestOnAServerTheWriterIsOneAllocation(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
			clear(w.Header())
			serve(w, func(w http.ResponseWriter) { response.Keep(w) })
		}), 1.0+2, "and the slice of the policies, and a handler")
	}))
	defer server.Close()
	got, err := http.Get(server.URL)
	if assert.NoError(t, err) {
		got.Body.Close()
	}
}

// Most of what a part finds is what parts outside have put there, or what it knows.
func TestWhatStandsOutsideIsKeptAndCopiedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		outside, between http.Header
		kept             bool
	}{
		"nothing but the chain's own":                   {nil, nil, false},
		"what was there when the chain began":           {http.Header{"X-Request-Id": {"1"}, "Vary": {"Accept"}}, nil, false},
		"another header":                                {nil, http.Header{"X-Request-Id": {"1"}}, true},
		"another value":                                 {http.Header{"X-Request-Id": {"1"}}, http.Header{"X-Request-Id": {"2"}}, true},
		"another Vary":                                  {nil, http.Header{"Vary": {"Accept"}}, true},
		"another policy":                                {nil, http.Header{"Content-Security-Policy": {"sandbox"}}, true},
		"CORS headers, of which the chain has the say":  {nil, http.Header{"Access-Control-Max-Age": {"1"}}, false},
		"how long another response can be kept":         {nil, http.Header{"Cache-Control": {"private"}}, false},
		"what the chain would put there for the second": {nil, http.Header{"Vary": {"Origin"}}, false},
	} {
		w := httptest.NewRecorder()
		maps.Copy(w.Header(), test.outside)
		serve(w, func(w http.ResponseWriter) {
			maps.Copy(w.Header(), test.between)
			var hiding http.ResponseWriter = hidingWriter{w}
			keep := func() { response.Keep(hiding) }
			assert.Zero(t, testing.AllocsPerRun(10, keep), name) // it has run once before
			response.Reset(w, http.StatusForbidden)
			for key, values := range test.between {
				assert.Equal(t, test.kept || key == "Vary", slices.Contains(w.Header()[key], values[0]), "%s: %s", name, key)
			}
		})
	}
}

// fullHeader is what a handler may have set for a response that is not sent.
func fullHeader(header http.Header) {
	for _, name := range []string{
		"Content-Encoding", "Content-Length", "Content-Disposition", "Content-Language", "Expires", "Set-Cookie", "Surrogate-Control",
		"CDN-Cache-Control", "Digest", "Repr-Digest", "Retry-After", "Refresh", "Clear-Site-Data", "Link", "X-Accel-Redirect",
		"X-Sendfile", "Age", "Pragma", "WWW-Authenticate", "ETag", "Last-Modified", "Location", "Accept-Ranges", "Trailer", "Allow", "X-Own",
		"Content-Security-Policy", "Content-Security-Policy-Report-Only",
	} {
		header.Set(name, "of the response that is not sent")
	}
}

func TestARefusalCarriesNothingOfAnotherResponse(t *testing.T) {
	outside := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Set-Cookie", "session=1")
		return w
	}
	kept := func(more ...string) http.Header {
		return chainHeader(append(more, "Content-Encoding", "gzip", "Set-Cookie", "session=1")...)
	}
	refuse := func(status int) *httptest.ResponseRecorder {
		w := outside()
		serve(w, func(w http.ResponseWriter) {
			fullHeader(w.Header())
			response.Reset(w, status)
			w.WriteHeader(status)
		})
		return w
	}
	assert.Equal(t, kept(), refuse(http.StatusForbidden).Header())
	const own = "of the response that is not sent"
	assert.Equal(t, kept("Allow", own), refuse(http.StatusMethodNotAllowed).Header(), "it belongs to the status")
	for _, status := range []int{http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, http.StatusServiceUnavailable} {
		assert.Equal(t, kept("Retry-After", own), refuse(status).Header(), "it belongs to %d", status)
	}

	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		w.Header()["content-encoding"] = []string{"br"}
		w.Header().Add("Vary", "Accept-Encoding")
		inner := hidingWriter{w}
		inner.Header().Set("Set-Cookie", "handler=1")
		response.Reset(inner, http.StatusForbidden)
		inner.WriteHeader(http.StatusForbidden)
	})
	want := chainHeader("content-encoding", "br")
	want["Vary"] = append(want["Vary"], "Accept-Encoding")
	assert.Equal(t, want, w.Header(), "of a middleware between, which encodes")

	w = httptest.NewRecorder()
	fullHeader(w.Header())
	w.Header()["content-type"] = []string{"text/plain"}
	response.Reset(w, http.StatusForbidden)
	assert.ElementsMatch(t, []string{
		"Content-Encoding", "Set-Cookie", "Retry-After", "Clear-Site-Data", "Link", "Www-Authenticate", "Allow", "X-Own",
		"Content-Security-Policy", "Content-Security-Policy-Report-Only",
	}, keysOf(w.Header()), "without a chain, what cannot be of a refusal")
}

// What a part has no say in is kept whatever it is.
func TestARefusalKeepsWhatIsNotThisChains(t *testing.T) {
	for _, between := range []response.Line{
		{Name: "Vary", Value: "Origin"}, {Name: "Vary", Value: "Stripe-Signature, Stripe-User-Id, Stripe-Account-Id"},
		{Name: "Cache-Control", Value: "no-store"}, {Name: "Access-Control-Allow-Origin", Value: "*"},
		{Name: "Content-Security-Policy", Value: "sandbox"},
	} {
		w := httptest.NewRecorder()
		inner, chain := response.Wrap(w)
		chain.Demand([]response.Line{{Name: "X-Chain", Value: "1"}})
		w.Header().Set(between.Name, between.Value)
		response.Keep(inner)
		response.Reset(inner, http.StatusForbidden)
		assert.Equal(t, http.Header{"X-Chain": {"1"}, between.Name: {between.Value}}, w.Header())
	}
}

// What is set outside may be of another body, as a default of a file server's.
func TestAProblemDocumentHasNothingOfAnotherBody(t *testing.T) {
	w := httptest.NewRecorder()
	for _, name := range []string{"Content-Length", "Content-Range", "ETag", "Last-Modified", "X-Request-Id"} {
		w.Header().Set(name, "1")
	}
	serve(w, func(w http.ResponseWriter) {
		response.Problem{Status: http.StatusForbidden, Code: "own", Detail: "no"}.Write(w, httptest.NewRequest(http.MethodGet, "/", nil))
	})
	assert.Equal(t, chainHeader("X-Request-Id", "1", "Content-Type", "application/problem+json", "X-Content-Type-Options", "nosniff"), w.Header())
}

func TestWhatBelongsToTheStatusIsNotReplacedByWhatStandsOutside(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", "60")
	serve(w, func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "1")
		response.Reset(w, http.StatusTooManyRequests)
	})
	assert.Equal(t, chainHeader("Retry-After", "1"), w.Header())
}

func keysOf(header http.Header) (names []string) {
	for name := range header {
		names = append(names, name)
	}
	return names
}

func TestWhatWasDeletedOrReplacedIsThereAgain(t *testing.T) {
	w := httptest.NewRecorder()
	w.Header().Set("X-Request-Id", "1")
	w.Header().Set("Set-Cookie", "session=1")
	serve(w, func(w http.ResponseWriter) {
		clear(w.Header())
		w.Header().Set("Set-Cookie", "handler=1")
		for range 2 {
			response.Reset(w, http.StatusForbidden)
			want := chainHeader("X-Request-Id", "1", "Set-Cookie", "session=1", "Vary", "Origin")
			delete(want, "Cache-Control")
			assert.Equal(t, want, w.Header(), "before it begins, what refuses can see it and change it")
			w.Header()["Set-Cookie"][0] = "refusal=1"
		}
	})
}

func TestSeveralPoliciesAreAllSent(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		_, chain := response.Wrap(w)
		chain.Demand([]response.Line{{Name: "Content-Security-Policy", Value: "sandbox"}})
		clear(w.Header())
	})
	assert.Equal(t, []string{"default-src 'none'", "sandbox"}, w.Header()["Content-Security-Policy"])
}

func TestAResponseThatHasBegunIsNotReset(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusOK)
		w.Header().Set("X-Trailer", "1")
		response.Reset(w, http.StatusForbidden)
	})
	assert.Equal(t, "1", w.Header().Get("X-Trailer"))
}

// The function that writes a refusal sets headers of its own before it begins.
func TestARefusalsOwnHeadersStay(t *testing.T) {
	w := httptest.NewRecorder()
	serve(w, func(w http.ResponseWriter) {
		response.Reset(w, http.StatusForbidden)
		refusal, _ := response.ForRefusal(w)
		refusal.Header().Set("X-Own", "1")
		refusal.Header().Set("ETag", "1")
		response.Reset(refusal, http.StatusForbidden)
		refusal.WriteHeader(http.StatusForbidden)
	})
	assert.Equal(t, chainHeader("X-Own", "1"), w.Header())
}
