package install

import (
	"context"
	"errors"

	"github.com/seed-8a2ffb75/stripeapps/internal/signed"
)

// ID names one install: an account has the app once in each mode, with tokens of its
// own.
type ID struct {
	Account string // acct_…, 1 to 255 of [A-Za-z0-9_]
	Mode    Mode
}

// valid reports whether id can be that of an install.
func (id ID) valid() bool { return signed.IsID(id.Account) && id.Mode.valid() }

func (m Mode) valid() bool { return m == Live || m == Test || m == Sandbox }

// Record is what a Store keeps of an install.
type Record struct {
	ID ID

	// Version is another one each time that the record is saved: a random number from
	// 1 up, chosen by who saves it.
	Version int64

	// Data is sealed: a Store neither reads nor changes it. It has MaxDataBytes at most.
	Data []byte
}

// MaxDataBytes is how long a Record's Data may be. Those of Tokens have about 500 bytes.
const MaxDataBytes = 32 << 10

// Store keeps records, one for each ID.
//
// An implementation MUST:
//   - compare and save, or compare and delete, in one step: of any number of calls that
//     overlap in their time and name the same old version, one at the most succeeds,
//     across all processes that share the Store;
//   - have Load and List return what was saved last once Save has returned, in all
//     processes: a copy that lags behind (a replica for reading) will not do;
//   - keep what was saved when the process or the machine ends, before Save returns.
//     (Memory does not, and is for one process and for tests.) A refresh token that is
//     lost is an install that is lost;
//   - return Data byte for byte, in memory that nobody else writes to, and not keep hold
//     of what Save was given;
//   - tell accounts apart by every byte: acct_a is not acct_A;
//   - return ErrNotFound and ErrConflict, or errors that wrap them, in the cases named
//     below and in no other. Any other error means that it could not tell, as when the
//     database is away or ctx has ended: what was to be saved or deleted may or may not be;
//   - use no transaction that ctx brings along: what is saved stands, even if the request
//     that needed it fails, and a refresh goes on after it;
//   - be safe for concurrent use, and return when ctx ends.
//
// Errors MUST NOT have Data in their text.
//
// installtest.RunStore holds an implementation to this.
type Store interface {
	// Load returns the record of id, or ErrNotFound.
	Load(ctx context.Context, id ID) (Record, error)

	// Save puts r in the place of the record of r.ID that has the version old. An old
	// of 0 means that there is none. ErrConflict: it is not so.
	Save(ctx context.Context, r Record, old int64) error

	// Delete deletes the record of id that has this version. ErrConflict: it has
	// another one. That there is no record is no error.
	Delete(ctx context.Context, id ID, version int64) error

	// List returns up to limit records (1 or more), in the order of the bytes of
	// Account and then of Mode, beginning behind after, whether or not that is stored.
	// The zero ID is before all others. Records that are neither saved nor deleted in
	// the meantime are in one and only one of the pages.
	List(ctx context.Context, after ID, limit int) ([]Record, error)
}

var (
	// ErrNotFound is what Load returns if there is no such record.
	ErrNotFound = errors.New("install: no such record is stored")

	// ErrConflict is what Save and Delete return if the record that is stored is not
	// the one that was to be replaced or deleted.
	ErrConflict = errors.New("install: the record that is stored is another one by now")
)
