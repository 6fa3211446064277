//go:build goexperiment.jsonv2 && go1.27

package interop_test

import "encoding/json/v2"

func init() {
	decoders["encoding/json/v2"] = func(payload []byte, value any) error { return json.Unmarshal(payload, value) }
	decoders["encoding/json/v2, any case"] = func(payload []byte, value any) error {
		return json.Unmarshal(payload, value, json.MatchCaseInsensitiveNames(true))
	}
}
