package woo

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// createAllOnce is createOnce for many: in batches, each record with a reference of its own.
func createAllOnce[T any, ID Identifier, Q, W any](ctx context.Context, r resource[T, ID, Q], ref Reference, ws []W) ([]Result[T], error) {
	o := &once[T, ID, Q]{r: r, call: r.call("CreateAllOnce", http.MethodPost), dated: true}
	var err error
	if o.ref, err = ref.check(); err != nil {
		return nil, invalid(o.call.Op, err)
	}
	ws = slices.Clone(ws)
	results := make([]Result[T], len(ws))
	var todo []int // places of what is still to be made
	for i := range ws {
		own := o.ref
		own.Value = referenceOf(o.ref, i)
		if _, err = own.check(); err == nil {
			err = mark(&ws[i], r.place.name, own)
		}
		if err != nil {
			return nil, invalid(o.call.Op, err)
		}
		todo = append(todo, i)
	}
	since, ended := o.ref.Since, o.ref.Ended
	unsure := slices.Clone(todo) // what an earlier request may have made
	if since.IsZero() {
		unsure = nil
	}
	for sends := 0; len(todo) > 0; {
		if err := o.resolve(ctx, since, ended, unsure, results); err != nil {
			return results, err
		}
		todo = slices.DeleteFunc(todo, func(i int) bool { return results[i].Item != nil })
		if len(todo) == 0 {
			break
		}
		if sends++; sends > maxSends {
			err := o.ambiguous("sent three times without an answer")
			for _, i := range todo {
				results[i].Err = err
			}
			return results, err
		}
		if since.IsZero() {
			since = time.Now()
		}
		part := make([]W, len(todo))
		for n, i := range todo {
			part[n] = ws[i]
		}
		made, err := createAll(r, part).run(ctx)
		ended, unsure = time.Now(), nil
		var left []int
		for n, i := range todo {
			results[i] = made[n]
			switch {
			case errors.Is(made[n].Err, ErrAmbiguous):
				o.doubt = made[n].Err
				unsure = append(unsure, i)
				left = append(left, i)
			case errors.Is(made[n].Err, ErrNotSent):
				left = append(left, i)
			}
		}
		if len(unsure) == 0 {
			return results, err
		}
		todo = left
	}
	return results, nil
}

// resolve finds out what became of the unsure ones, and settles those that are there.
func (o *once[T, ID, Q]) resolve(ctx context.Context, since, ended time.Time, unsure []int, results []Result[T]) error {
	if len(unsure) == 0 {
		return nil
	}
	o.want, o.got = make(map[string]int, len(unsure)), map[int]*T{}
	for _, i := range unsure {
		o.want[referenceOf(o.ref, i)] = i
	}
	err := o.settle(ctx, since, ended)
	for _, i := range unsure {
		switch item := o.got[i]; {
		case item != nil:
			results[i] = Result[T]{Item: item}
		case err != nil:
			results[i] = Result[T]{Err: err}
		}
	}
	return err
}

// referenceOf is the reference of the i-th record.
func referenceOf(ref Reference, i int) string { return ref.Value + "/" + strconv.Itoa(i) }
