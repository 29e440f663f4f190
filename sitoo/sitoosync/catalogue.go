package sitoosync

import "context"

// catalogue is what both sides must be asked before a product can be written to either.
type catalogue struct {
	tariff     *tariff
	categories *categoryLinks
	makers     *makers
}

// tariffCost is what [Sync.readCatalogue] asks the till: for its VAT groups.
const tariffCost = 1

func (s *Sync) readCatalogue(ctx context.Context) (*catalogue, error) {
	k := &catalogue{}
	var err error
	if k.tariff, err = s.readTariff(ctx); err != nil {
		return nil, err
	}
	if k.categories, err = s.categoryLinks(ctx); err != nil {
		return nil, err
	}
	k.makers, _, err = s.readMakers(ctx)
	return k, err
}
