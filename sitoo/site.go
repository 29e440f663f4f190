package sitoo

// SiteID is a shop within an account: Sitoo's eshopid. The old GUID of a site is answered with empty lists and must not be used.
type SiteID int64

// Site is one shop of the account (GET /sites).
type Site struct {
	ID     SiteID `json:"eshopid"`
	GUID   string `json:"siteid"` // deprecated by Sitoo
	URL    string `json:"siteurl"`
	Scheme string `json:"protocol"`
	Server string `json:"server"`
	Path   string `json:"abspath"`
	Extra  Extra  `json:"-"`
}
