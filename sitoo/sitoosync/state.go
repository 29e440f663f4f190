package sitoosync

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// FileState keeps states in one JSON file, for hosts without a database. It is replaced as a whole by renaming, after it reached
// the disk. One process alone may use a file.
type FileState struct {
	path string
	mu   sync.Mutex
}

var _ StateStore = (*FileState)(nil)

// NewFileState keeps states in the file at path, which need not exist yet; its folder must.
func NewFileState(path string) (*FileState, error) {
	if path == "" {
		return nil, errors.New("sitoosync: FileState: the path is empty: name a file that outlives the process")
	}
	s := &FileState{path: path}
	if _, err := s.read(); err != nil {
		return nil, err
	}
	return s, nil
}

// Load implements [StateStore].
func (s *FileState) Load(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.read()
	if err != nil {
		return nil, err
	}
	return all[name], nil
}

// Save implements [StateStore].
func (s *FileState) Save(ctx context.Context, name string, value []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all, err := s.read()
	if err != nil {
		return err
	}
	all[name] = value
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("sitoosync: FileState: %w", err)
	}
	if err := s.replace(b); err != nil {
		return fmt.Errorf("sitoosync: FileState: %w", err)
	}
	return nil
}

func (s *FileState) read() (map[string][]byte, error) {
	all := map[string][]byte{}
	b, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("sitoosync: FileState: %s cannot be read; restore it, or remove it to begin anew: %w", s.path, err)
	}
	return all, nil
}

// replace writes a file beside the old one and renames it. Without the sync a power cut could leave the new name on empty content.
func (s *FileState) replace(b []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), s.path)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(s.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
