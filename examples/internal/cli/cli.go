// Package cli is how every example begins and ends: it reads its settings, runs, and says in one sentence what went wrong.
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// Program is an example with settings S.
type Program[S any] struct {
	Name string
	// Parse reads flags from args and the rest from env, which is os.Getenv outside tests. flag.ErrHelp means that help was asked for
	// and given on out.
	Parse func(args []string, env func(string) string, out io.Writer) (S, error)
	Run   func(ctx context.Context, s S) error
	// Sentence says an error in the words of the program, whose settings have other names than a package's. Default: the error's own.
	Sentence func(error) string
}

// Main is the program's main: status 1 and one sentence when something is wrong.
func (p Program[S]) Main() {
	if said := p.Try(context.Background(), os.Args[1:], os.Getenv, os.Stderr); said != "" {
		fmt.Fprintln(os.Stderr, p.Name+": "+said)
		os.Exit(1)
	}
}

// Try parses and runs. It returns what the program says of an error, "" for success and for help.
func (p Program[S]) Try(ctx context.Context, args []string, env func(string) string, out io.Writer) string {
	s, err := p.Parse(args, env, out)
	if err == nil {
		err = p.Run(ctx, s)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return ""
	case p.Sentence != nil:
		return p.Sentence(err)
	}
	return err.Error()
}

// Flags are the flags of a program, whose help begins with usage. Parse them with [Parse].
func Flags(name, usage string, out io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprint(out, usage) //nolint:errcheck // help that cannot be printed is no help
		flags.PrintDefaults()
	}
	return flags
}

// Parse reads the flags from args. What is wrong with them the flag package has printed; the error says where to look.
func Parse(flags *flag.FlagSet, args []string) error {
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errors.New("see -h for the flags")
	case flags.NArg() > 0:
		return fmt.Errorf("%q is no flag: see -h", flags.Arg(0))
	}
	return nil
}
