package sitoo

// Each record keeps the members that its type does not know in Extra, and gives them back to JSON: a record that was read is a queue payload.

// UnmarshalJSON keeps unknown members in Extra.
func (v *Site) UnmarshalJSON(b []byte) error {
	type plain Site
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Site) MarshalJSON() ([]byte, error) {
	type plain Site
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Product) UnmarshalJSON(b []byte) error {
	type plain Product
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Product) MarshalJSON() ([]byte, error) {
	type plain Product
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Category) UnmarshalJSON(b []byte) error {
	type plain Category
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Category) MarshalJSON() ([]byte, error) {
	type plain Category
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Manufacturer) UnmarshalJSON(b []byte) error {
	type plain Manufacturer
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Manufacturer) MarshalJSON() ([]byte, error) {
	type plain Manufacturer
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *VATGroup) UnmarshalJSON(b []byte) error {
	type plain VATGroup
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v VATGroup) MarshalJSON() ([]byte, error) {
	type plain VATGroup
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *PriceList) UnmarshalJSON(b []byte) error {
	type plain PriceList
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v PriceList) MarshalJSON() ([]byte, error) {
	type plain PriceList
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Price) UnmarshalJSON(b []byte) error {
	type plain Price
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Price) MarshalJSON() ([]byte, error) {
	type plain Price
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *CustomAttribute) UnmarshalJSON(b []byte) error {
	type plain CustomAttribute
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v CustomAttribute) MarshalJSON() ([]byte, error) {
	type plain CustomAttribute
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Resource) UnmarshalJSON(b []byte) error {
	type plain Resource
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Resource) MarshalJSON() ([]byte, error) {
	type plain Resource
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Warehouse) UnmarshalJSON(b []byte) error {
	type plain Warehouse
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Warehouse) MarshalJSON() ([]byte, error) {
	type plain Warehouse
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *StockItem) UnmarshalJSON(b []byte) error {
	type plain StockItem
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v StockItem) MarshalJSON() ([]byte, error) {
	type plain StockItem
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *StockBatch) UnmarshalJSON(b []byte) error {
	type plain StockBatch
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v StockBatch) MarshalJSON() ([]byte, error) {
	type plain StockBatch
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *BatchLine) UnmarshalJSON(b []byte) error {
	type plain BatchLine
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v BatchLine) MarshalJSON() ([]byte, error) {
	type plain BatchLine
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Transaction) UnmarshalJSON(b []byte) error {
	type plain Transaction
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Transaction) MarshalJSON() ([]byte, error) {
	type plain Transaction
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Shipment) UnmarshalJSON(b []byte) error {
	type plain Shipment
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Shipment) MarshalJSON() ([]byte, error) {
	type plain Shipment
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *ReasonCode) UnmarshalJSON(b []byte) error {
	type plain ReasonCode
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v ReasonCode) MarshalJSON() ([]byte, error) {
	type plain ReasonCode
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Order) UnmarshalJSON(b []byte) error {
	type plain Order
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Order) MarshalJSON() ([]byte, error) {
	type plain Order
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *OrderItem) UnmarshalJSON(b []byte) error {
	type plain OrderItem
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v OrderItem) MarshalJSON() ([]byte, error) {
	type plain OrderItem
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Delivery) UnmarshalJSON(b []byte) error {
	type plain Delivery
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Delivery) MarshalJSON() ([]byte, error) {
	type plain Delivery
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Voucher) UnmarshalJSON(b []byte) error {
	type plain Voucher
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Voucher) MarshalJSON() ([]byte, error) {
	type plain Voucher
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *InfluencerCode) UnmarshalJSON(b []byte) error {
	type plain InfluencerCode
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v InfluencerCode) MarshalJSON() ([]byte, error) {
	type plain InfluencerCode
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *Store) UnmarshalJSON(b []byte) error {
	type plain Store
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v Store) MarshalJSON() ([]byte, error) {
	type plain Store
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *CashRegister) UnmarshalJSON(b []byte) error {
	type plain CashRegister
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v CashRegister) MarshalJSON() ([]byte, error) {
	type plain CashRegister
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *ZReport) UnmarshalJSON(b []byte) error {
	type plain ZReport
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v ZReport) MarshalJSON() ([]byte, error) {
	type plain ZReport
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *User) UnmarshalJSON(b []byte) error {
	type plain User
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v User) MarshalJSON() ([]byte, error) {
	type plain User
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *SalesTax) UnmarshalJSON(b []byte) error {
	type plain SalesTax
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v SalesTax) MarshalJSON() ([]byte, error) {
	type plain SalesTax
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *SalesTaxGroup) UnmarshalJSON(b []byte) error {
	type plain SalesTaxGroup
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v SalesTaxGroup) MarshalJSON() ([]byte, error) {
	type plain SalesTaxGroup
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *ServiceOrder) UnmarshalJSON(b []byte) error {
	type plain ServiceOrder
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v ServiceOrder) MarshalJSON() ([]byte, error) {
	type plain ServiceOrder
	return writeRecord(plain(v), v.Extra)
}

// UnmarshalJSON keeps unknown members in Extra.
func (v *EventData) UnmarshalJSON(b []byte) error {
	type plain EventData
	return readRecord(b, (*plain)(v), &v.Extra)
}

// MarshalJSON writes what was read.
func (v EventData) MarshalJSON() ([]byte, error) {
	type plain EventData
	return writeRecord(plain(v), v.Extra)
}
