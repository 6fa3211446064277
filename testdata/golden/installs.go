package golden

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// Installs is what installs.json holds, as it is there.
type Installs struct {
	RedirectURI string    `json:"redirect_uri"`
	StateKey    string    `json:"state_key"` // in hex
	Vectors     []Install `json:"vectors"`
}

// Install is one redirect of an install link.
type Install struct {
	Name             string   `json:"name"`
	Expect           string   `json:"expect"`
	Secrets          []string `json:"secrets"`
	Clock            int64    `json:"clock"`
	Query            string   `json:"query"`
	Cookie           string   `json:"cookie"`
	UserID           string   `json:"user_id"`
	AccountID        string   `json:"account_id"`
	UnsignedLivemode bool     `json:"unsigned_livemode"`
}

//go:embed installs.json
var installsJSON []byte

// InstallVectors returns the redirects of install links. They are shared, and must not
// be changed.
var InstallVectors = sync.OnceValue(func() Installs {
	var installs Installs
	if err := json.Unmarshal(installsJSON, &installs); err != nil {
		panic("golden: installs.json: " + err.Error())
	}
	return installs
})
