//go:build !race

package signed

import "testing"

func TestReadIDsMakesNoAllocations(t *testing.T) {
	payload := []byte(`{"größe":1,"\ud83d\ude00":[{"a":null}],"k\u00e9y":"v","user_id":"usr_123","account_id":"acct_123"}`)
	if allocations := testing.AllocsPerRun(100, func() {
		if _, fault := ReadIDs(payload, false); fault != OK {
			t.Error(fault)
		}
	}); allocations >= 1 {
		t.Errorf("%v allocations", allocations)
	}
}
