package sitoosync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/tillwire/tillwire/sitoo"
	"github.com/tillwire/tillwire/woo"
)

// largestImage is the longest picture that goes up, in bytes: Sitoo says nothing of a limit, and takes it as text in JSON.
const largestImage = 10 << 20

// picture is one of the shop's, as it goes to the till.
type picture struct {
	name string // in the till's library; it holds a sum of the content, so that what is there under it is the same
	data []byte
}

// imagesCost is how many requests pictures take: a list for each article, and for each picture its removal and its write. Further
// pictures that the till has are not foreseen.
func imagesCost(n amounts) int { return n.articles + 2*n.images }

// sendImages makes the till's pictures of a ware's articles those of the shop (row F13).
func (u *upload) sendImages(ctx context.Context, w *ware) error {
	shelf := map[string]picture{}  // by the shop's address: variations share pictures
	inLibrary := map[string]bool{} // what has been put there by this call
	for _, a := range w.articles {
		id, there := w.ids[a]
		if !there || !u.takes(a) {
			continue
		}
		if err := u.p.fail(ctx, u.articleImages(ctx, a, id, shelf, inLibrary)); err != nil {
			return err
		}
		u.p.did(1)
	}
	return nil
}

// articleImages makes the till's list that of the shop. Pictures go by their place there, and their names tell their content: what the
// two lists have in common at the beginning stays, what follows is removed from the last on, and what is missing is added. So an
// interrupted call is taken up where it was.
func (u *upload) articleImages(
	ctx context.Context, a *article, id sitoo.ProductID, shelf map[string]picture, inLibrary map[string]bool,
) error {
	if len(a.images) == 0 {
		return fmt.Errorf("product %s: %w", a.name(), errNoImage)
	}
	var want []picture
	for i, image := range a.images {
		p, err := u.picture(ctx, a, i, image, shelf)
		if err != nil {
			return fmt.Errorf("product %s: %w", a.name(), err)
		}
		want = append(want, p)
	}
	gallery := u.s.c.Till.Images(id)
	have, err := imageNames(ctx, gallery)
	if err != nil {
		return err
	}
	if slices.EqualFunc(have, want, func(name string, p picture) bool { return name == p.name }) {
		return nil
	}
	if !u.p.will(len(want), "replace the till's pictures of %s, %d by %d", a.name(), len(have), len(want)) {
		return nil
	}
	same := 0
	for same < min(len(have), len(want)) && have[same] == want[same].name {
		same++
	}
	for i := len(have) - 1; i >= same; i-- {
		if err := u.removeImage(ctx, gallery, i); err != nil {
			return err
		}
	}
	for i, p := range want[same:] {
		if err := u.addImage(ctx, gallery, same+i, p, inLibrary); err != nil {
			return err
		}
	}
	return nil
}

// errNoImage is one of the things that stop a full sync unless errors are to be ignored (row E2).
var errNoImage = errors.New("the shop has no picture of it")

func imageNames(ctx context.Context, g *sitoo.Gallery) ([]string, error) {
	var names []string
	for {
		images, page, err := g.List(ctx, sitoo.ListQuery{Start: len(names), PerPage: 1000})
		if err != nil {
			return nil, err
		}
		for _, image := range images {
			names = append(names, image.ID)
		}
		if len(images) == 0 || len(names) >= page.Total {
			return names, nil
		}
	}
}

// removeImage unlinks the last picture; whether a lost answer did so is told by how many are left.
func (u *upload) removeImage(ctx context.Context, g *sitoo.Gallery, last int) error {
	err := g.Remove(ctx, last)
	if errors.Is(err, sitoo.ErrAmbiguous) {
		left, lookErr := imageNames(ctx, g)
		if lookErr != nil {
			return errors.Join(err, lookErr)
		}
		if len(left) <= last {
			return nil
		}
	}
	return err
}

// addImage adds a picture at the end; whether a lost answer did so is told by what stands there.
func (u *upload) addImage(ctx context.Context, g *sitoo.Gallery, place int, p picture, inLibrary map[string]bool) error {
	upload := sitoo.Upload{ResourceID: p.name, Data: p.data}
	if inLibrary[p.name] {
		upload.Data = nil // it is linked
	}
	err := g.Add(ctx, upload)
	if errors.Is(err, sitoo.ErrAmbiguous) {
		names, lookErr := imageNames(ctx, g)
		if lookErr != nil {
			return errors.Join(err, lookErr)
		}
		if len(names) == place+1 && names[place] == p.name {
			err = nil
		}
	}
	if err == nil {
		inLibrary[p.name] = true
	}
	return err
}

// picture fetches a picture of the shop's, and names it. Its name is of the shop's product, not of the variation, so that variations
// share what they have in common.
func (u *upload) picture(ctx context.Context, a *article, place int, image woo.Image, shelf map[string]picture) (picture, error) {
	if p, has := shelf[image.Src]; has {
		return p, nil
	}
	data, err := u.s.download(ctx, image.Src)
	if err != nil {
		return picture{}, err
	}
	sum := sha256.Sum256(data)
	file := hex.EncodeToString(sum[:4]) + "-" + fileOf(image.Src)
	p := picture{ResourceName(int64(a.product), place, file), data}
	shelf[image.Src] = p
	return p, nil
}

// fileOf is the name of the file behind an address.
func fileOf(address string) string {
	file := path.Base(addressPath(address))
	if name, err := url.PathUnescape(file); err == nil {
		return name
	}
	return file
}

// addressPath is an address without what follows its path.
func addressPath(address string) string {
	address, _, _ = strings.Cut(address, "?")
	address, _, _ = strings.Cut(address, "#")
	return address
}

// download fetches a picture of the shop's. Its key is not sent: pictures are public.
func (s *Sync) download(ctx context.Context, address string) (data []byte, err error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("the shop's picture %s cannot be fetched: %w", addressPath(address), err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(err)
	}
	response, err := s.c.ImageClient.Do(request)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fail(errors.New(response.Status))
	}
	data, err = io.ReadAll(io.LimitReader(response.Body, largestImage+1))
	switch {
	case err != nil:
		return fail(err)
	case len(data) == 0 || len(data) > largestImage:
		return fail(fmt.Errorf("it has %d bytes: a picture has at most %d", len(data), largestImage))
	case !strings.HasPrefix(http.DetectContentType(data), "image/"):
		return fail(fmt.Errorf("it is %s", http.DetectContentType(data)))
	}
	return data, nil
}

// resyncImages makes the till's pictures of linked products and variations those of the shop (row F13). The names that they go by are
// such as the till takes (row X4), whatever the shop's files are called.
func (s *Sync) resyncImages(ctx context.Context, p *pass) error {
	u := &upload{s: s, p: p, images: true}
	return u.walk(ctx, woo.ProductQuery{})
}

func (s *Sync) resyncImagesCost(ctx context.Context) (int, error) {
	n, err := s.countProducts(ctx)
	return imagesCost(n), err
}
