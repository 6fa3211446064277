// Site is a backend with users, a session cookie, and a front end on another origin: main.go
// is what it was before, stripe.go what was added for the Stripe App.
package main

import (
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"sync"

	"github.com/rs/cors"
)

const frontEnd = "https://app.example.com"

// A site has users, whose names are their ids.
type site struct {
	mu       sync.Mutex
	sessions map[string]string // users by the cookie's value
	emails   map[string]string // by user
}

func newSite() *site {
	return &site{
		sessions: map[string]string{},
		emails:   map[string]string{"ada": "ada@example.com", "grace": "grace@example.com"},
	}
}

// handler has CORS and CrossOriginProtection around everything.
func (s *site) handler() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("GET /account", s.showAccount)
	mux.HandleFunc("POST /account", s.changeAccount)

	protection := http.NewCrossOriginProtection()
	if err := protection.AddTrustedOrigin(frontEnd); err != nil {
		return nil, err
	}
	forFrontEnd := cors.New(cors.Options{AllowedOrigins: []string{frontEnd}, AllowCredentials: true})
	return forFrontEnd.Handler(protection.Handler(mux)), nil
}

// login asks for no password: this is an example.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	token := rand.Text()
	s.mu.Lock()
	s.sessions[token] = r.PostFormValue("user")
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: "__Host-session", Value: token, Path: "/", Secure: true, HttpOnly: true,
		SameSite: http.SameSiteNoneMode, // the front end is on another site
	})
}

// user returns who is signed in, or "".
func (s *site) user(r *http.Request) string {
	cookie, err := r.Cookie("__Host-session")
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[cookie.Value]
}

func (s *site) email(user string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emails[user]
}

func (s *site) setEmail(user, email string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.emails[user] = email
}

func (s *site) showAccount(w http.ResponseWriter, r *http.Request) {
	user := s.user(r)
	if user == "" {
		http.Error(w, "sign in", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{"user": user, "email": s.email(user)})
}

func (s *site) changeAccount(w http.ResponseWriter, r *http.Request) {
	user := s.user(r)
	if user == "" {
		http.Error(w, "sign in", http.StatusUnauthorized)
		return
	}
	s.setEmail(user, r.PostFormValue("email"))
	w.WriteHeader(http.StatusNoContent)
}

func main() {
	site := newSite()
	handler, err := site.handler()
	if err != nil {
		log.Fatal(err)
	}
	handler, err = addStripe(handler, site, []string{os.Getenv("STRIPE_APP_SECRET")})
	if err != nil {
		log.Fatal(err)
	}
	log.Println("listening on http://127.0.0.1:8080")
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", handler))
}
