//go:build !race

package signed

import "testing"

func TestReadingNamesMakesNoAllocations(t *testing.T) {
	payload := []byte(`{"größe":1,"\ud83d\ude00":[{"a":null}],"k\u00e9y":"v","striperoles😀":1,"user_id":"usr_123","account_id":"acct_123"}`)
	for name, read := range map[string]func() bool{
		"ReadIDs": func() bool {
			_, fault := ReadIDs(payload, false)
			return fault == OK
		},
		"MayBeExtensions": func() bool { return MayBeExtensions(payload) },
	} {
		if allocations := testing.AllocsPerRun(100, func() {
			if !read() {
				t.Error(name)
			}
		}); allocations >= 1 {
			t.Errorf("%s: %v allocations", name, allocations)
		}
	}
}

// A payload with many names is rare, and its memory would be held for long.
func TestOnlyASmallNameSetIsKeptForItsNextUse(t *testing.T) {
	for _, test := range []struct {
		name string
		set  *nameSet
		kept bool
	}{
		{"4096 names", &nameSet{hashes: make([]uint64, 4096)}, true},
		{"4097 names", &nameSet{hashes: make([]uint64, 4097)}, false},
		{"a name of 4096 bytes", &nameSet{folded: make([]byte, 4096)}, true},
		{"a name of 4097 bytes", &nameSet{folded: make([]byte, 4097)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			kept := false
			for range 10 { // now and then the pool is emptied, or another processor's is asked
				test.set.release()
				kept = kept || nameSets.Get() == any(test.set)
			}
			if kept != test.kept {
				t.Errorf("kept: %v", kept)
			}
			if kept && len(test.set.hashes)+len(test.set.folded) > 0 {
				t.Error("not emptied")
			}
		})
	}
}
