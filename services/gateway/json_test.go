package gateway

import (
	"strings"
	"testing"
)

// The pointer names what stands at a place, whatever is around it.
func TestPointerAt(t *testing.T) {
	body := "{\n \"a/b\": {\"c~d\": [1, {\"é\": true, \"here\": 2}, \"x\"]},\n \"last\": \"a\"\n}"
	for _, c := range []struct {
		at, want string // the first place where that text stands
	}{
		{`"a/b"`, "/a~1b"},
		{`1,`, "/a~1b/c~0d/0"},
		{`true`, "/a~1b/c~0d/1/é"},
		{`"here"`, "/a~1b/c~0d/1/here"},
		{`2}`, "/a~1b/c~0d/1/here"},
		{`"x"`, "/a~1b/c~0d/2"},
		{`"a"`, "/last"},
	} {
		before := body[:strings.Index(body, c.at)]
		line := strings.Count(before, "\n") + 1
		column := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		if got := pointerAt([]byte(body), line, column); got != c.want {
			t.Errorf("%s at %d:%d is %q, want %q", c.at, line, column, got, c.want)
		}
	}
}

// Whatever the body and the place, a pointer is found or none is.
func FuzzPointerAt(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":null}]}`), 1, 9)
	f.Add([]byte("[\n]"), 2, 1)
	f.Add([]byte(`{"a":`), 9, 9)
	f.Fuzz(func(t *testing.T, body []byte, line, column int) {
		if line < 1 || column < 1 || line > 1000 || column > 1000 {
			return
		}
		if p := pointerAt(body, line, column); p != "" && !strings.HasPrefix(p, "/") {
			t.Errorf("%q", p)
		}
	})
}
