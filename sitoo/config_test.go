package sitoo_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/tillwire/tillwire/sitoo"
)

func TestConfig(t *testing.T) {
	t.Parallel()
	t.Run("BaseURL is completed", func(t *testing.T) {
		t.Parallel()
		for _, base := range []string{
			"https://api.test/v2/accounts/91234", "https://api.test/v2/accounts/91234/", "https://api.test/v2/accounts", "https://api.test/v2/accounts/",
			"https://api.test", "https://api.test/",
		} {
			var path, user string
			client, err := sitoo.New(sitoo.Config{BaseURL: base, APIID: "91234-7", Password: "p", HTTPClient: &http.Client{
				Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					path = r.URL.Path
					user, _, _ = r.BasicAuth()
					return &http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
				}),
			}})
			require.NoError(t, err, base)
			_, err = client.Products.Get(t.Context(), 7)
			require.Error(t, err)
			require.Equal(t, "/v2/accounts/91234/sites/1/products/7.json", path, base)
			require.Equal(t, "91234-7", user, "the user is the whole API ID")
		}
	})
	good := sitoo.Config{BaseURL: "https://api.test/v2/accounts/91234", APIID: "91234-7", Password: "secret-word"}
	for name, c := range map[string]struct {
		change func(*sitoo.Config)
		field  string
	}{
		"no address":         {func(c *sitoo.Config) { c.BaseURL = "" }, "BaseURL: is empty"},
		"no URL":             {func(c *sitoo.Config) { c.BaseURL = "api.mysitoo.com/v2" }, "BaseURL: does not begin with https://"},
		"elsewhere":          {func(c *sitoo.Config) { c.BaseURL = "https://api.test/v3/shops/1" }, "BaseURL: does not end with /accounts"},
		"password inside":    {func(c *sitoo.Config) { c.BaseURL = "https://a:secret-word@api.test/v2/accounts" }, "BaseURL: holds a user name"},
		"query":              {func(c *sitoo.Config) { c.BaseURL += "?x=secret-word" }, "BaseURL: holds a query"},
		"of another account": {func(c *sitoo.Config) { c.BaseURL = "https://api.test/v2/accounts/4711" }, "belongs to account 91234"},
		"no id":              {func(c *sitoo.Config) { c.APIID = "" }, "APIID: is empty"},
		"half an id":         {func(c *sitoo.Config) { c.APIID = "91234" }, "APIID: is not of the form"},
		"no password":        {func(c *sitoo.Config) { c.Password = "" }, "Password: is empty"},
		"password with end":  {func(c *sitoo.Config) { c.Password += "\n" }, "Password: holds a control character"},
		"negative site":      {func(c *sitoo.Config) { c.Site = -1 }, "Site: is negative"},
		"negative body":      {func(c *sitoo.Config) { c.MaxBody = -1 }, "MaxBody: is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c2 := good
			c.change(&c2)
			_, err := sitoo.New(c2)
			require.ErrorContains(t, err, "sitoo: Config.")
			require.ErrorContains(t, err, c.field)
			require.NotContains(t, err.Error(), "secret-word")
		})
	}
	t.Run("prints without the password", func(t *testing.T) {
		t.Parallel()
		c := good
		c.BaseURL = "https://me:secret-word@api.test/v2/accounts?x=secret-word"
		for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v %#v %s", c, c, c), c.LogValue().String()} {
			require.NotContains(t, s, "secret-word")
			require.Contains(t, s, "91234-7")
		}
	})
}
