package woo

import (
	"context"
	"encoding/json"
	"errors"
)

// SettingsGroup is a page of settings: GET /settings.
type SettingsGroup struct {
	ID          string   `json:"id" wire:"required"` // "general"
	Label       string   `json:"label"`
	Description string   `json:"description"`
	ParentID    string   `json:"parent_id"`
	SubGroups   []string `json:"sub_groups"`

	Extra map[string]json.RawMessage `json:"-"`
}

// SettingsGroups reads which groups of settings there are: GET /settings. Their settings are Client.Settings.
func (c *Client) SettingsGroups(ctx context.Context) ([]*SettingsGroup, error) {
	return askAll[SettingsGroup](ctx, c, route("SettingsGroups", "settings"))
}

// Setting is a setting of the shop: GET /settings/{group}/{id}, or one of a payment gateway or a way of shipping.
type Setting struct {
	ID          string          `json:"id" wire:"required"` // "woocommerce_currency"
	GroupID     string          `json:"group_id,omitzero"`  // only when read alone
	Label       string          `json:"label"`
	Description string          `json:"description"`    // HTML
	Type        string          `json:"type"`           // "text", "select", "checkbox" …
	Value       json.RawMessage `json:"value,omitzero"` // nil: it has none; mostly a text; checkboxes say "yes" and "no"
	Default     json.RawMessage `json:"default,omitzero"`
	Tip         string          `json:"tip"`
	Placeholder string          `json:"placeholder"`
	Options     json.RawMessage `json:"options,omitzero"` // what may be chosen: see Choices

	Extra map[string]json.RawMessage `json:"-"`
}

// Text returns the value as text: a JSON text without its quotes, null and no value as "", all else as JSON.
func (s Setting) Text() string { return Meta{Value: s.Value}.String() }

// Choice is something a Setting may be set to.
type Choice struct {
	Value string
	Label string // with HTML entities
	Group string // the heading it stands under, if it does
}

// Choices reads Options, in the shop's order. Settings of free text have none.
func (s Setting) Choices() []Choice { return choices(s.Options, "") }

func choices(options []byte, group string) (all []Choice) {
	if len(options) == 0 || options[0] != '{' || !json.Valid(options) {
		return nil
	}
	for m := membersOf(options); m.next(); {
		if m.value[0] == '{' { // a heading with choices of its own
			all = append(all, choices(m.value, string(m.name))...)
			continue
		}
		all = append(all, Choice{string(m.name), Meta{Value: m.value}.String(), group})
	}
	return all
}

// SettingFields changes a setting: PUT /settings/{group}/{id}. A value that is no choice is ErrValidation.
type SettingFields struct {
	Value Field[any] `json:"value,omitzero"` // a text or a list of texts; "yes" or "no" for checkboxes

	Extra map[string]json.RawMessage `json:"-"`
}

// SettingChange is a change of one setting, for Client.UpdateSettings.
type SettingChange struct {
	Group, ID string // "general", "woocommerce_currency"
	Value     any    // as in SettingFields
}

// settingOf is a SettingChange as the batch of all groups wants it.
type settingOf struct {
	Group string `json:"group_id,omitempty"`
	Value any    `json:"value"`
}

// UpdateSettings makes any number of changes, 100 per request, in their order: POST /settings/{group}/batch, or /settings/batch when
// they are of several groups. Results and error are as Collection.UpdateAll's.
func (c *Client) UpdateSettings(ctx context.Context, changes []SettingChange) ([]Result[Setting], error) {
	if len(changes) == 0 {
		return nil, nil
	}
	at, group := placed("settings"), changes[0].Group
	for _, change := range changes {
		if usable(change.Group) != nil {
			return nil, invalid("settings.UpdateAll", errors.New("group: is none: give the Group of each change"))
		}
		if change.Group != group {
			group = ""
		}
	}
	sets := make([]Change[string, settingOf], len(changes))
	for i, change := range changes {
		sets[i] = ChangeOf(change.ID, settingOf{change.Group, change.Value})
		if group != "" {
			sets[i].Set.Group = ""
		}
	}
	if group != "" {
		at = settingsOf(group)
	}
	return updateAll(resource[Setting, string, Everything]{c, at, onePage, Everything.values, func(s *Setting) string { return s.ID }}, sets).run(ctx)
}

// settingsOf is where the settings of a group are.
func settingsOf(group string) place {
	if usable(group) != nil {
		return place{"settings", nowhere, "settings/{id}"}
	}
	return place{"settings", "settings/" + segment(group), "settings/{id}"}
}
