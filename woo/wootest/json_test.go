package wootest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What was recorded comes out of the store's own encoder byte for byte: order of keys, spelling of numbers, escapes.
func TestEncodeIsWhatTheStoreSent(t *testing.T) {
	t.Parallel()
	files, err := recorded.ReadDir("testdata")
	require.NoError(t, err)
	lines := 0
	for _, f := range files {
		if f.IsDir() || strings.HasSuffix(f.Name(), ".gz") {
			continue
		}
		data, err := recorded.ReadFile("testdata/" + f.Name())
		require.NoError(t, err)
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSpace(line)
			doc, err := parseObject([]byte(line))
			require.NoError(t, err, f.Name())
			require.Equal(t, line, string(encode(nil, doc)), f.Name())
			require.Equal(t, line, string(encode(nil, doc.clone())), f.Name())
			lines++
		}
	}
	fixed, err := loadFixed()
	require.NoError(t, err)
	again, err := parse(encode(nil, fixed))
	require.NoError(t, err)
	require.Equal(t, fixed, again)
	require.Greater(t, lines, 50)
}

func TestEncodeEscapes(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"\\ \" \/ \n\t \u0001 \u010d \ud83d\ude00 <&>"`, string(encode(nil, "\\ \" / \n\t \x01 č 😀 <&>")))
	_, err := parse([]byte(`{"a":1} x`))
	require.Error(t, err)
}

// Documents handed out are copies: a caller that changes one changes no store.
func TestRenderCopies(t *testing.T) {
	t.Parallel()
	s, err := New(Config{})
	require.NoError(t, err)
	defer s.Close()
	id := s.Seed(1, 1)[0]
	r := s.orders.rows[id]
	r.own()
	before := string(encode(nil, s.renderOrder(r)))
	doc := s.renderOrder(r)
	doc.object("billing").set("first_name", "changed")
	doc.list("line_items")[0].(*object).set("name", "changed")
	require.Equal(t, before, string(encode(nil, s.renderOrder(r))))
}
