// Package clitest tries examples as people do: without settings, and with wrong ones.
package clitest

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tillwire/tillwire/examples/internal/cli"
)

// Demo builds the program of this folder and runs it once as a newcomer does, without the settings named. It fails t unless the program
// ends well, reads the JSON that it prints last into summary, and returns what it said to people.
func Demo(t *testing.T, summary any, unset ...string) (said string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "program")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, ".").CombinedOutput(); err != nil { //nolint:gosec // a folder of ours
		t.Fatalf("%v\n%s", err, out)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), file, "-once", "-json") //nolint:gosec // just built
	cmd.Stdout, cmd.Stderr, cmd.Env = &stdout, &stderr, os.Environ()
	for _, name := range unset {
		cmd.Env = append(cmd.Env, name+"=")
	}
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	t.Logf("took %s beside other tests", time.Since(began).Round(time.Second)) // alone at most a minute: CI sees to that
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), summary); err != nil {
		t.Fatalf("%v\n%s", err, stdout.String())
	}
	return stderr.String()
}

// Wrong is a mistake, and a part of the sentence that it deserves.
type Wrong struct {
	Set  map[string]string // instead of the good settings
	Args []string
	Want string
}

// WrongSettings holds a program to one clear sentence for each mistake: a single line, without the words of a package's Config and without
// any of the secrets. Its help must name every setting.
func WrongSettings[S any](t *testing.T, p cli.Program[S], good map[string]string, secrets []string, mistakes map[string]Wrong) {
	t.Helper()
	mistakes["an argument"] = Wrong{Args: []string{"rubbish"}, Want: `"rubbish" is no flag: see -h`}
	mistakes["an unknown flag"] = Wrong{Args: []string{"-rubbish"}, Want: "see -h for the flags"}
	for name, wrong := range mistakes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := p.Try(t.Context(), wrong.Args, func(name string) string {
				if v, set := wrong.Set[name]; set {
					return v
				}
				if name == "TILLWIRE_DB" {
					return filepath.Join(t.TempDir(), "wire.db")
				}
				return good[name]
			}, io.Discard)
			if !strings.Contains(said, wrong.Want) {
				t.Errorf("said %q, which does not contain %q", said, wrong.Want)
			}
			for _, never := range append([]string{"\n", "Config."}, secrets...) {
				if strings.Contains(said, never) {
					t.Errorf("said %q, which contains %q", said, never)
				}
			}
		})
	}
	var help strings.Builder
	if said := p.Try(t.Context(), []string{"-h"}, func(string) string { return "" }, &help); said != "" {
		t.Errorf("-h is no mistake, but it said %q", said)
	}
	for name := range good {
		if !strings.Contains(help.String(), name) {
			t.Errorf("the help does not name %s", name)
		}
	}
}
