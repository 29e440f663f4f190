package woo

// Every type with an Extra goes through the codec of this package, alone as well as inside another.

// MarshalJSON writes the shop's form, unknown members included.
func (m Meta) MarshalJSON() ([]byte, error) { return encodeObject(m) }

// UnmarshalJSON reads the shop's form.
func (m *Meta) UnmarshalJSON(src []byte) error { return decodeObject(src, m) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Address) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Address) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Order) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Order) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x LineItem) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *LineItem) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x LineImage) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *LineImage) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Tax) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Tax) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x TaxLine) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *TaxLine) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x ShippingLine) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *ShippingLine) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x FeeLine) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *FeeLine) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x CouponLine) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *CouponLine) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x RefundSummary) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *RefundSummary) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x OrderNote) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *OrderNote) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Refund) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Refund) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Customer) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Customer) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Product) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Product) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Dimensions) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Dimensions) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Download) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Download) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Category) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Category) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Tag) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Tag) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Brand) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Brand) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Image) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Image) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x ProductAttribute) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *ProductAttribute) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x AttributeChoice) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *AttributeChoice) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes the shop's form, unknown members included.
func (x Variation) MarshalJSON() ([]byte, error) { return encodeObject(x) }

// UnmarshalJSON reads the shop's form.
func (x *Variation) UnmarshalJSON(src []byte) error { return decodeObject(src, x) }

// MarshalJSON writes what is set.
func (f AddressFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *AddressFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f OrderFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *OrderFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f LineItemFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *LineItemFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f ShippingLineFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ShippingLineFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f FeeLineFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *FeeLineFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f CouponLineFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *CouponLineFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f OrderNoteFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *OrderNoteFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f RefundFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *RefundFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f RefundLineFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *RefundLineFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f RefundTaxFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *RefundTaxFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f CustomerFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *CustomerFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f ProductFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ProductFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f DimensionsFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *DimensionsFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f DownloadFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *DownloadFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f ImageFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *ImageFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f AttributeFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *AttributeFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f AttributeChoiceFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *AttributeChoiceFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }

// MarshalJSON writes what is set.
func (f VariationFields) MarshalJSON() ([]byte, error) { return encodeObject(f) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (f *VariationFields) UnmarshalJSON(src []byte) error { return decodeObject(src, f) }
