package installtest

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/seed-8a2ffb75/stripeapps/install"
)

func TestMemory(t *testing.T) {
	RunStore(t, func(*testing.T) []install.Store { return []install.Store{install.NewMemory()} })
}

// broken is a Memory of which a part is replaced.
type broken struct {
	*install.Memory

	load   func(b *broken, id install.ID) (install.Record, error)
	save   func(b *broken, r install.Record, old int64) error
	del    func(b *broken, id install.ID, version int64) error
	loadIn func(b *broken, ctx context.Context, id install.ID) (install.Record, error)
	saveIn func(b *broken, ctx context.Context, r install.Record, old int64) error
	list   func(b *broken, after install.ID, limit int) ([]install.Record, error)
}

func (b *broken) Load(ctx context.Context, id install.ID) (install.Record, error) {
	if b.load != nil {
		return b.load(b, id)
	}
	if b.loadIn != nil {
		return b.loadIn(b, ctx, id)
	}
	return b.Memory.Load(ctx, id)
}

func (b *broken) Save(ctx context.Context, r install.Record, old int64) error {
	if b.save != nil {
		return b.save(b, r, old)
	}
	if b.saveIn != nil {
		return b.saveIn(b, ctx, r, old)
	}
	return b.Memory.Save(ctx, r, old)
}

func (b *broken) Delete(ctx context.Context, id install.ID, version int64) error {
	if b.del != nil {
		return b.del(b, id, version)
	}
	return b.Memory.Delete(ctx, id, version)
}

func (b *broken) List(ctx context.Context, after install.ID, limit int) ([]install.Record, error) {
	if b.list != nil {
		return b.list(b, after, limit)
	}
	return b.Memory.List(ctx, after, limit)
}

// recorder is a reporter that remembers.
type recorder struct {
	mu     sync.Mutex
	errors []string
}

func (*recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}
func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	panic(r)
}

// Each of these does one thing that a Store must not do.
func TestWhatIsNoStore(t *testing.T) {
	lower := func(id install.ID) install.ID {
		id.Account = strings.ToLower(id.Account)
		return id
	}
	for _, test := range []struct {
		name   string
		broken broken
		fails  string // one of tests
	}{
		{"it saves whatever the old version is", broken{save: func(b *broken, r install.Record, _ int64) error {
			for {
				old, _ := b.Memory.Load(ctx, r.ID)
				if b.Memory.Save(ctx, r, old.Version) == nil {
					return nil
				}
			}
		}}, "only what has the old version is replaced"},
		{"it compares first and saves then", broken{save: func(b *broken, r install.Record, old int64) error {
			now, _ := b.Memory.Load(ctx, r.ID)
			if now.Version != old {
				return install.ErrConflict
			}
			for range 100 { // let the others compare too
				runtime.Gosched()
			}
			for b.Memory.Save(ctx, r, now.Version) != nil {
				now, _ = b.Memory.Load(ctx, r.ID)
			}
			return nil
		}}, "of many that save at once, one does"},
		{"it deletes whatever the version is", broken{del: func(b *broken, id install.ID, _ int64) error {
			r, _ := b.Memory.Load(ctx, id)
			return b.Memory.Delete(ctx, id, r.Version)
		}}, "only what has the version is deleted"},
		{"it folds case", broken{
			load: func(b *broken, id install.ID) (install.Record, error) {
				r, err := b.Memory.Load(ctx, lower(id))
				r.ID = id
				return r, err
			},
			save: func(b *broken, r install.Record, old int64) error {
				r.ID = lower(r.ID)
				return b.Memory.Save(ctx, r, old)
			},
		}, "accounts and modes that are alike are different ones"},
		{"it keeps text", broken{save: func(b *broken, r install.Record, old int64) error {
			r.Data = []byte(strings.ToValidUTF8(string(r.Data), "?"))
			return b.Memory.Save(ctx, r, old)
		}}, "data of any bytes and of any length up to the most is kept"},
		{"it keeps versions as doubles", broken{save: func(b *broken, r install.Record, old int64) error {
			r.Version = int64(float64(r.Version))
			return b.Memory.Save(ctx, r, old)
		}}, "versions are large numbers"},
		{"it has no error for what is not there", broken{load: func(b *broken, id install.ID) (install.Record, error) {
			r, _ := b.Memory.Load(ctx, id)
			return r, nil
		}}, "what is not there is ErrNotFound"},
		{"it lists what stands at the mark once more", broken{list: func(b *broken, after install.ID, limit int) ([]install.Record, error) {
			if r, err := b.Memory.Load(ctx, after); err == nil {
				return []install.Record{r}, nil
			}
			return b.Memory.List(ctx, after, limit)
		}}, "pages are in order and complete"},
		{"it does not look at the context", broken{save: func(b *broken, r install.Record, old int64) error {
			return b.Memory.Save(ctx, r, old)
		}}, "what is asked with a context that has ended is an error of another kind, and changes nothing"},
		{"it says that there is nothing when it cannot tell", broken{loadIn: func(b *broken, ctx context.Context, id install.ID) (install.Record, error) {
			r, err := b.Memory.Load(ctx, id)
			if err != nil {
				err = install.ErrNotFound
			}
			return r, err
		}}, "what is asked with a context that has ended is an error of another kind, and changes nothing"},
		{"it says that there is another one when it cannot tell", broken{saveIn: func(b *broken, ctx context.Context, r install.Record, old int64) error {
			if b.Memory.Save(ctx, r, old) != nil {
				return install.ErrConflict
			}
			return nil
		}}, "what is asked with a context that has ended is an error of another kind, and changes nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var failed []string
			for _, held := range tests {
				test.broken.Memory = install.NewMemory()
				r := &recorder{}
				func() {
					defer func() {
						if p := recover(); p != nil && p != any(r) {
							panic(p)
						}
					}()
					held.run(r, stores{&test.broken, &test.broken})
				}()
				if len(r.errors) > 0 {
					failed = append(failed, held.name)
				}
			}
			assert.Contains(t, failed, test.fails)
		})
	}
}
