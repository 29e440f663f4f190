package woo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/tillwire/tillwire/internal/rest"
)

// SystemStatus is what a shop says of itself: GET /system_status. It is large and slow to make, since the shop asks its database
// and the network for it; Client.SystemStatus asks for parts. What was not asked for stays zero.
type SystemStatus struct {
	Environment     SystemEnvironment `json:"environment"`
	Database        SystemDatabase    `json:"database"`
	ActivePlugins   []Plugin          `json:"active_plugins"`
	InactivePlugins []Plugin          `json:"inactive_plugins"`
	DropinPlugins   DropinPlugins     `json:"dropins_mu_plugins"`
	Theme           Theme             `json:"theme"`
	Settings        SystemSettings    `json:"settings"`
	Security        SystemSecurity    `json:"security"`
	Pages           []ShopPage        `json:"pages"`
	PostTypeCounts  []PostTypeCount   `json:"post_type_counts"`
	Logging         SystemLogging     `json:"logging"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemEnvironment is what the shop runs on. Sizes are in bytes, times in seconds.
type SystemEnvironment struct {
	HomeURL              string `json:"home_url"`
	SiteURL              string `json:"site_url"`
	StoreID              string `json:"store_id"`
	Version              string `json:"version"` // of WooCommerce
	LogDirectory         string `json:"log_directory"`
	LogDirectoryWritable bool   `json:"log_directory_writable"`

	WPVersion         string `json:"wp_version"`
	WPMultisite       bool   `json:"wp_multisite"`
	WPMemoryLimit     int64  `json:"wp_memory_limit"`
	WPDebugMode       bool   `json:"wp_debug_mode"`
	WPCron            bool   `json:"wp_cron"` // false: webhooks and other deferred work wait for a cron job of the host
	WPEnvironmentType string `json:"wp_environment_type,omitzero"`
	Language          string `json:"language"`
	// ExternalObjectCache says whether WordPress keeps its cache outside the database; nil: it does not say.
	ExternalObjectCache *bool `json:"external_object_cache"`

	ServerInfo          string `json:"server_info"`
	ServerArchitecture  string `json:"server_architecture,omitzero"`
	PHPVersion          string `json:"php_version"`
	PHPPostMaxSize      int64  `json:"php_post_max_size"`
	PHPMaxExecutionTime int    `json:"php_max_execution_time"`
	PHPMaxInputVars     int    `json:"php_max_input_vars"`
	CurlVersion         string `json:"curl_version"`
	SuhosinInstalled    bool   `json:"suhosin_installed"`
	MaxUploadSize       int64  `json:"max_upload_size"`
	MySQLVersion        string `json:"mysql_version"`
	MySQLVersionString  string `json:"mysql_version_string"`
	DefaultTimezone     string `json:"default_timezone"` // of PHP, which should be UTC; the shop's own is a setting

	FsockopenOrCurlEnabled bool `json:"fsockopen_or_curl_enabled"`
	SoapClientEnabled      bool `json:"soapclient_enabled"`
	DOMDocumentEnabled     bool `json:"domdocument_enabled"`
	GzipEnabled            bool `json:"gzip_enabled"`
	MbstringEnabled        bool `json:"mbstring_enabled"`

	// Whether the shop reaches the world, as webhooks must, and with which status or error.
	RemotePostSuccessful bool            `json:"remote_post_successful"`
	RemotePostResponse   json.RawMessage `json:"remote_post_response,omitzero"`
	RemoteGetSuccessful  bool            `json:"remote_get_successful"`
	RemoteGetResponse    json.RawMessage `json:"remote_get_response,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemDatabase is what WooCommerce keeps in the database. Sizes are in MB.
type SystemDatabase struct {
	WCDatabaseVersion    string       `json:"wc_database_version"`
	DatabasePrefix       string       `json:"database_prefix"`
	MaxMindGeoIPDatabase string       `json:"maxmind_geoip_database"`
	DatabaseTables       Tables       `json:"database_tables"`
	DatabaseSize         DatabaseSize `json:"database_size"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Tables are the database's tables by name.
type Tables struct {
	WooCommerce map[string]DatabaseSize `json:"woocommerce"`
	Other       map[string]DatabaseSize `json:"other"`

	Extra map[string]json.RawMessage `json:"-"`
}

// DatabaseSize is the size of a table, or of all of them, in MB.
type DatabaseSize struct {
	Data   Decimal `json:"data"`
	Index  Decimal `json:"index"`
	Engine string  `json:"engine,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Plugin is a plugin of WordPress.
type Plugin struct {
	Plugin           string `json:"plugin"` // its main file, such as "woocommerce/woocommerce.php"
	Name             string `json:"name"`
	Version          string `json:"version"`
	VersionLatest    string `json:"version_latest,omitzero"`
	URL              string `json:"url"`
	AuthorName       string `json:"author_name"`
	AuthorURL        string `json:"author_url"`
	NetworkActivated bool   `json:"network_activated"`

	Extra map[string]json.RawMessage `json:"-"`
}

// DropinPlugins are the plugins that nobody activates: they lie where WordPress always loads them.
type DropinPlugins struct {
	Dropins   []Plugin `json:"dropins"`
	MUPlugins []Plugin `json:"mu_plugins"`

	Extra map[string]json.RawMessage `json:"-"`
}

// Theme is the theme of the shop window.
type Theme struct {
	Name                  string             `json:"name"`
	Version               string             `json:"version"`
	VersionLatest         string             `json:"version_latest"` // "0" when the theme is not of WordPress's directory
	AuthorURL             string             `json:"author_url"`
	IsChildTheme          bool               `json:"is_child_theme"`
	IsBlockTheme          bool               `json:"is_block_theme"`
	HasWooCommerceSupport bool               `json:"has_woocommerce_support"`
	HasWooCommerceFile    bool               `json:"has_woocommerce_file"`
	HasOutdatedTemplates  bool               `json:"has_outdated_templates"`
	Overrides             []TemplateOverride `json:"overrides"`
	ParentName            string             `json:"parent_name"`
	ParentVersion         string             `json:"parent_version"`
	ParentVersionLatest   string             `json:"parent_version_latest"`
	ParentAuthorURL       string             `json:"parent_author_url"`

	Extra map[string]json.RawMessage `json:"-"`
}

// TemplateOverride is a template of WooCommerce that the theme replaces.
type TemplateOverride struct {
	File        string `json:"file"`
	Version     string `json:"version"`
	CoreVersion string `json:"core_version"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemSettings are the settings that matter to a client.
type SystemSettings struct {
	APIEnabled                  bool              `json:"api_enabled"` // the legacy API
	ForceSSL                    bool              `json:"force_ssl"`
	Currency                    string            `json:"currency"`
	CurrencySymbol              string            `json:"currency_symbol"` // with HTML entities
	CurrencyPosition            string            `json:"currency_position"`
	ThousandSeparator           string            `json:"thousand_separator"`
	DecimalSeparator            string            `json:"decimal_separator"`
	NumberOfDecimals            int               `json:"number_of_decimals"`
	GeolocationEnabled          bool              `json:"geolocation_enabled"`
	Taxonomies                  map[string]string `json:"taxonomies"` // product types, those of plugins included
	ProductVisibilityTerms      map[string]string `json:"product_visibility_terms"`
	WooCommerceComConnected     string            `json:"woocommerce_com_connected"`
	EnforceApprovedDownloadDirs bool              `json:"enforce_approved_download_dirs"`
	// OrderDatastore is the class that keeps orders; HPOSEnabled says that it is not the old one of posts.
	OrderDatastore  string   `json:"order_datastore"`
	HPOSEnabled     bool     `json:"HPOS_enabled"`
	HPOSSyncEnabled bool     `json:"HPOS_sync_enabled"` // false beside HPOSEnabled: the legacy API does not see new orders
	EnabledFeatures []string `json:"enabled_features,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemSecurity says how the shop is protected.
type SystemSecurity struct {
	SecureConnection bool `json:"secure_connection"` // whether WordPress believes itself behind https; else keys are not accepted
	HideErrors       bool `json:"hide_errors"`       // false: PHP's warnings may stand before the JSON

	Extra map[string]json.RawMessage `json:"-"`
}

// ShopPage is one of the pages WooCommerce needs.
type ShopPage struct {
	PageName          string `json:"page_name"`
	PageID            string `json:"page_id"`
	PageSet           bool   `json:"page_set"`
	PageExists        bool   `json:"page_exists"`
	PageVisible       bool   `json:"page_visible"`
	Shortcode         string `json:"shortcode"`
	Block             string `json:"block"`
	ShortcodeRequired bool   `json:"shortcode_required"`
	ShortcodePresent  bool   `json:"shortcode_present"`
	BlockPresent      bool   `json:"block_present"`
	BlockRequired     bool   `json:"block_required"`

	Extra map[string]json.RawMessage `json:"-"`
}

// PostTypeCount is how many posts of a type WordPress has. Orders count as "shop_order" only where they are posts.
type PostTypeCount struct {
	Type  string `json:"type"`
	Count string `json:"count"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemLogging is how the shop keeps its logs.
type SystemLogging struct {
	LoggingEnabled      bool   `json:"logging_enabled"`
	DefaultHandler      string `json:"default_handler"`
	RetentionPeriodDays int    `json:"retention_period_days"`
	LevelThreshold      string `json:"level_threshold"`
	LogDirectorySize    string `json:"log_directory_size"` // in words

	Extra map[string]json.RawMessage `json:"-"`
}

// SystemStatus reads what the shop says of itself: GET /system_status. Given members, it asks for these alone, which is much
// cheaper: "settings", or one below, such as "environment.version". The key's user must be a shop manager.
func (c *Client) SystemStatus(ctx context.Context, members ...string) (*SystemStatus, error) {
	call := route("SystemStatus", "system_status")
	if len(members) > 0 {
		call.Query = url.Values{"_fields": {strings.Join(members, ",")}}
	}
	return ask[SystemStatus](ctx, c, call)
}

// SystemTool is a tool of the page WooCommerce > Status > Tools: GET /system_status/tools.
type SystemTool struct {
	ID          string `json:"id" wire:"required"` // "clear_transients"
	Name        string `json:"name"`
	Action      string `json:"action"` // what its button says
	Description string `json:"description"`

	// After a run only.
	Success bool   `json:"success,omitzero"`
	Message string `json:"message,omitzero"`

	Extra map[string]json.RawMessage `json:"-"`
}

// RunTool runs a tool: PUT /system_status/tools/{id}. Tools delete and rebuild; read SystemTool.Description first. It is sent
// once: when the answer is lost the error is ErrAmbiguous. A tool that ran and failed is no error: see Success and Message.
func (c *Client) RunTool(ctx context.Context, id string) (*SystemTool, error) {
	call, err := c.SystemTools.r.one("Run", http.MethodPut, id)
	if err != nil {
		return nil, err
	}
	call.Kind, call.Body = rest.Effect, []byte("{}")
	return ask[SystemTool](ctx, c, call)
}
