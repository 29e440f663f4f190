package sitootest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// tables are the kinds of records that behave alike.
func tables() map[string]*table {
	all := map[string]*table{
		"products": {
			key: "productid", batch: true, required: []string{"sku"}, unique: []string{"sku", "barcode", "friendly"},
			kinds: kinds(`sku:s title:s skumanufacturer:s descriptionshort:s description:s moneyprice:m moneypriceorg:m moneypricein:m
				moneyofferprice:m active:b activepos:b unitlabel:s allowdecimals:b deliveryinfo:s deliverystatus:s vatid:i defaultcategoryid:I
				categories:a manufacturerid:I manufacturerurl:s custom1:s custom2:s customattributes:x stockcountenable:b stockallowbackorder:b
				barcode:s barcodealiases:a similar:a related:a accessories:a friendly:s seo_title:s seo_keywords:s seo_description:s`),
			bare: strings.Fields(`productid sku datemodified active activepos vatid manufacturerid stockcountenable stockallowbackorder barcode
				moneyprice moneyfinalprice`),
		},
		"categories": {key: "categoryid", required: []string{"title"}, kinds: kinds(`categoryparentid:I visible:b sortorder:i title:s custom1:s
			custom2:s friendly:s seo_title:s seo_keywords:s seo_description:s`)},
		"manufacturers": {key: "externalcompanyid", batch: true, required: []string{"name"}, kinds: kinds(`name:s description:s address:s zip:s
			city:s state:s countryid:s phone:s email:s url1:s url2:s`)},
		"productgroups": {key: "vatid", required: []string{"productgroupname"}, kinds: kinds(`value:n productgrouptype:i productgroupname:s comment:s`)},
		"pricelists": {key: "pricelistid", required: []string{"pricelistname"}, kinds: kinds(`pricelistname:s pricelistdescription:s active:b
			externalid:S currencycode:s tags:a`)},
		"customattributes": {key: "id", ownKey: "id", required: []string{"id", "title", "type"}, kinds: kinds(`id:s title:s type:s enums:A searchable:b`)},
		"warehouses": {key: "warehouseid", required: []string{"usetype", "currencycode", "name"}, kinds: kinds(`warehousetype:i usetype:i storeid:I
			sellable:b currencycode:s name:s address:s address2:s zip:s city:s state:s countryid:S externalid:S`)},
		"vouchers": {
			key: "voucherid", required: []string{"vouchername", "vouchertype"},
			kinds: kinds(`vouchername:s vouchertype:i activepos:b vouchercode:s voucherpassword:s vouchercomment:s voucherterms:s datestart:T dateend:T
				tags:a value_x:I value_y:I value_z:I money_m:M money_n:M maxuses:I priority:i products:a`),
			bare: strings.Fields("voucherid vouchername datecreated vouchertype voucherstate"),
		},
		"stores": {key: "storeid", required: []string{"storetype", "name"}, kinds: kinds(`storetype:i name:s externalid:S externalgroupid:S phone:S
			email:S address:s address2:s zip:s city:s state:s countryid:s latitude:S longitude:S nearby_stores:a tags:a`)},
		"cashregisters": {key: "registerid", guid: true},
		"users": {key: "userid", guid: true, batch: true, required: []string{"email"}, unique: []string{"email"}, kinds: kinds(`email:s namefirst:s
			namelast:s personalid:s externalid:S company:s department:s companyid:s address:s address2:s zip:s city:s state:s countryid:s phone:s mobile:s
			notes:s customernumber:s pin:s role:I warehouses:a`)},
		"reasoncodes": {key: "reasoncodeid", required: []string{"type", "reasoncode"}, kinds: kinds(`type:i reasoncode:s name:s`)},
		"orders": {
			key: "orderid", required: []string{"ordertypeid"}, unique: []string{"externalid"},
			kinds: kinds(`externalid:S creditorderid:I email:s namefirst:s namelast:s personalid:s company:s phone:s invoice_address:s
				invoice_address2:s invoice_zip:s invoice_city:s invoice_state:s invoice_countryid:s delivery_address:s delivery_address2:s delivery_zip:s
				delivery_city:s delivery_state:s delivery_countryid:s comment:s commentinternal:s customerref:s checkoutref:s orderdate:t
				orderstateid:i paymentstateid:i ordertypeid:i warehouseid:I datereserved:T currencycode:s additionaldata:o orderitems:a payments:a
				reservedpayments:a`),
			bare: strings.Fields(`orderid eshopid email namefirst namelast company moneyfinal_net moneyfinal_vat moneytotal_gross_roundoff
				moneytotal_gross_all checkouttypename deliverytypename orderdate orderstateid paymentstateid ordertypeid registerid warehouseid
				datereserved currencycode additionaldata orderitems payments`),
		},
	}
	for _, t := range all {
		t.rows = map[string]record{}
		if t.kinds == nil {
			t.kinds = map[string]byte{}
		}
	}
	return all
}

// route finds who answers a request.
func (t *Till) route(r *request) reply {
	none := reply{http.StatusNotFound, fault("URL invalid")}
	site := record{
		"siteid": "{0F3A9C11-77B2-4E1D-9A55-1C2D3E4F5061}", "protocol": "https", "server": "fake.mysitoo.test", "abspath": "/",
		"siteurl": "https://fake.mysitoo.test/", "eshopid": 1,
	}
	p := r.path
	switch {
	case len(p) == 1 && p[0] == "sites":
		return list([]record{site}, r.query, nil)
	case len(p) == 2 && p[0] == "sites" && p[1] == "1":
		return ok(site)
	case p[0] == "reasoncodes":
		return t.crud(r, t.tables["reasoncodes"], p[1:])
	case p[0] == "orders" && len(p) == 1 && r.method == http.MethodGet:
		return t.orders(r)
	case p[0] != "sites" || len(p) < 3:
		return none
	case strings.HasPrefix(p[1], "{"): // the deprecated GUID: an empty success
		return list(nil, r.query, nil)
	case p[1] != "1":
		return list(nil, r.query, nil)
	}
	p = p[2:]
	table := t.tables[p[0]]
	switch {
	case len(p) == 1 && p[0] == "orders" && r.method == http.MethodGet:
		return t.orders(r)
	case len(p) == 1 && p[0] == "orders" && r.method == http.MethodPost:
		return t.createOrder(r)
	case len(p) == 2 && p[0] == "orders" && r.method == http.MethodPut:
		return t.updateOrder(r, p[1])
	case len(p) == 3 && p[0] == "orders":
		return t.belowOrder(r, p[1], p[2])
	case len(p) == 1 && p[0] == "products" && r.method == http.MethodGet:
		return t.products(r)
	case len(p) >= 3 && p[0] == "products":
		return t.belowProduct(r, p[1], p[2], p[3:])
	case p[0] == "resources" && len(p) == 1:
		return list(sorted(t.library), r.query, nil)
	case len(p) == 3 && p[0] == "pricelists" && p[2] == "pricelistitems":
		return t.priceItems(r, p[1])
	case len(p) >= 3 && p[0] == "warehouses":
		return t.belowWarehouse(r, p[1], p[2], p[3:])
	case len(p) == 1 && p[0] == "warehousetransactions" && r.method == http.MethodGet:
		return t.transactions(r, 0)
	case len(p) == 1 && p[0] == "warehousetransactions" && r.method == http.MethodPost:
		return t.postTransactions(r)
	case len(p) == 2 && p[0] == "categories" && r.method == http.MethodDelete:
		return t.deleteCategory(p[1])
	case len(p) == 2 && p[0] == "productgroups" && p[1] == "2" && r.method == http.MethodDelete:
		return bad("The default product group cannot be deleted")
	case table != nil:
		return t.crud(r, table, p[1:])
	}
	return none
}

// crud answers for the kinds of records that behave alike.
func (t *Till) crud(r *request, tab *table, below []string) reply {
	if len(below) > 1 {
		return reply{http.StatusNotFound, fault("URL invalid")}
	}
	if len(below) == 1 {
		row, has := tab.rows[below[0]]
		switch {
		case !has:
			return bad("Invalid %s (%s)", tab.key, below[0])
		case r.method == http.MethodGet:
			return ok(row)
		case r.method == http.MethodDelete:
			tab.delete(below[0])
			return ok(true)
		case r.method == http.MethodPut:
			records, many, why := r.decode()
			if why != "" || many {
				return bad("Invalid JSON")
			}
			if why := t.change(tab, below[0], records[0]); why != "" {
				return bad("%s", why)
			}
			return ok(true)
		}
		return reply{http.StatusMethodNotAllowed, fault("Method not allowed")}
	}
	if r.method == http.MethodGet {
		return list(filtered(tab, r), r.query, tab.bare)
	}
	records, many, why := r.decode()
	switch {
	case why != "":
		return bad("%s", why)
	case many && !tab.batch, !many && r.method != http.MethodPost:
		return bad("Invalid JSON")
	}
	var answers []any
	for _, item := range records {
		answers = append(answers, t.batchItem(r.method, tab, item))
	}
	if many {
		return ok(answers)
	}
	if f, refused := answers[0].(*failure); refused {
		return reply{f.Status, f}
	}
	v := answers[0].(map[string]any)["return"] //nolint:forcetypeassert // batchItem answers one of the two
	if tab.ownKey != "" {
		return ok(tab.rows[v.(string)]) //nolint:forcetypeassert // an own key is text
	}
	return ok(v)
}

// batchItem writes one record and answers {"statuscode":200,"return":…} or a failure.
func (t *Till) batchItem(method string, tab *table, item record) any {
	refuse := func(why string) *failure { return &failure{http.StatusBadRequest, why} }
	done := func(v any) any { return map[string]any{"statuscode": http.StatusOK, "return": v} }
	if method == http.MethodPost {
		return t.createItem(tab, item, refuse, done)
	}
	key := keyText(item[tab.key])
	row, has := tab.rows[key]
	if !has {
		return refuse("Invalid " + tab.key + " (" + key + ")")
	}
	if method == http.MethodDelete {
		tab.delete(key)
		return done(true)
	}
	change := clone(item)
	delete(change, tab.key)
	if why := t.change(tab, key, change); why != "" {
		return refuse(why)
	}
	return done(row[tab.key])
}

func (t *Till) createItem(tab *table, item record, refuse func(string) *failure, done func(any) any) any {
	if tab.ownKey != "" {
		if _, has := tab.rows[item.text(tab.ownKey)]; has {
			return &failure{http.StatusConflict, "id already exists"}
		}
	}
	if why := tab.refuse(item, true, ""); why != "" {
		return refuse(why)
	}
	if sku, has := item["sku"]; has && sku == "" {
		return refuse("Invalid field value 'sku'")
	}
	t.nextID++
	row := clone(item)
	t.complete(tab, row)
	tab.insert(t.nextID, row)
	key := tab.order[len(tab.order)-1]
	return done(tab.rows[key][tab.key])
}

// complete gives a new record what Sitoo adds.
func (t *Till) complete(tab *table, row record) {
	defaults := record{}
	switch tab.key {
	case "productid":
		defaults = record{
			"title": "", "active": false, "activepos": false, "moneyprice": "0.00", "moneypriceorg": "0.00", "moneypricein": "0.00",
			"vatid": 2, "categories": []any{}, "defaultcategoryid": nil, "manufacturerid": nil, "customattributes": []any{}, "stockcountenable": true,
			"stockallowbackorder": false, "barcode": nil, "barcodealiases": []any{}, "variantparentid": nil, "variant": []any{}, "pricelisthasvolume": false,
		}
	case "voucherid":
		defaults = record{"voucherstate": 10, "active": true, "activepos": true, "vouchercode": "", "voucherpassword": "", "priority": 3, "products": []any{}}
	case "categoryid":
		defaults = record{"categoryparentid": nil, "visible": true, "sortorder": 0}
	case "warehouseid":
		defaults = record{"warehousetype": 10, "sellable": true, "storeid": nil}
	}
	for name, v := range defaults {
		if _, has := row[name]; !has {
			row[name] = v
		}
	}
	row["datecreated"] = now()
	t.touch(tab, row)
}

// touch follows a change.
func (t *Till) touch(tab *table, row record) {
	row["datemodified"] = now()
	if tab.key == "productid" {
		row["moneyfinalprice"] = row["moneyprice"]
		if row["barcode"] == "" {
			row["barcode"] = nil
		}
		if id := row.int("defaultcategoryid"); id != 0 {
			categories, _ := row["categories"].([]any)
			if !slices.ContainsFunc(categories, func(v any) bool { return keyText(v) == strconv.FormatInt(id, 10) }) {
				row["categories"] = append(slices.Clone(categories), row["defaultcategoryid"])
			}
		}
	}
}

// change patches a record, or says why not.
func (t *Till) change(tab *table, key string, change record) string {
	if why := tab.refuse(change, false, key); why != "" {
		return why
	}
	if sku, has := change["sku"]; has && sku == "" {
		return "Invalid field value 'sku'"
	}
	row := tab.rows[key]
	for name, v := range change {
		row[name] = v
	}
	t.touch(tab, row)
	return ""
}

func keyText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case nil:
		return ""
	}
	return strconv.FormatInt(record{"v": v}.int("v"), 10)
}

// filtered are a table's records that pass the filters it knows. Filters that it does not know are ignored, as Sitoo does.
func filtered(tab *table, r *request) []record {
	var out []record
	for _, row := range tab.all() {
		keep := true
		if tab.key == "userid" {
			for _, name := range []string{"email", "customernumber", "personalid", "mobile"} {
				if want := last(r.query[name]); want != "" && row.text(name) != want {
					keep = false
				}
			}
			keep = keep && oneOf(r.query, "userid", row.text("userid"))
		}
		if tab.key == "reasoncodeid" {
			keep = oneOf(r.query, "type", row.int("type"))
		}
		if keep {
			out = append(out, row)
		}
	}
	return out
}

func (t *Till) products(r *request) reply {
	var out []record
	for _, p := range t.tables["products"].all() {
		sku, id := last(r.query["sku"]), last(r.query["productid"])
		switch {
		case last(r.query["includeinactive"]) != "true" && !p.bool("active") && !p.bool("activepos"):
		case sku != "" && !slices.Contains(strings.Split(sku, ","), p.text("sku")):
		case id != "" && !slices.Contains(strings.Split(id, ","), keyText(p["productid"])):
		case !within(r.query, "datelastmodified", "", p.int("datemodified")):
		default:
			out = append(out, p)
		}
	}
	return list(out, r.query, t.tables["products"].bare)
}

func (t *Till) deleteCategory(id string) reply {
	categories := t.tables["categories"]
	if _, has := categories.rows[id]; !has {
		return bad("Invalid categoryid (%s)", id)
	}
	gone := []string{id}
	for len(gone) > 0 {
		for _, row := range categories.all() {
			if keyText(row["categoryparentid"]) == gone[0] {
				gone = append(gone, keyText(row["categoryid"]))
			}
		}
		categories.delete(gone[0])
		gone = gone[1:]
	}
	return ok(true)
}

func (t *Till) priceItems(r *request, id string) reply {
	if _, has := t.tables["pricelists"].rows[id]; !has {
		return bad("Invalid pricelistid (%s)", id)
	}
	n, _ := strconv.ParseInt(id, 10, 64)
	if t.prices[n] == nil {
		t.prices[n] = map[string]record{}
	}
	return t.rowsBySKU(r, t.prices[n], kinds("sku:s productid:i moneyprice:m moneypricevolume:A"), []string{"sku", "moneyprice"}, func(item record) (any, string) {
		product := t.bySKU(item.text("sku"))
		if product == nil {
			return nil, "Invalid sku (" + item.text("sku") + ")"
		}
		row := clone(item)
		row["productid"] = product["productid"]
		t.prices[n][item.text("sku")] = row
		return true, ""
	})
}

// rowsBySKU answers for rows that are set and removed by SKU.
func (t *Till) rowsBySKU(r *request, rows map[string]record, kinds map[string]byte, required []string, set func(record) (any, string)) reply {
	if r.method == http.MethodGet {
		return list(sorted(rows), r.query, nil)
	}
	records, many, why := r.decode()
	if why != "" || !many {
		return bad("Invalid JSON")
	}
	shape := &table{kinds: kinds, required: required}
	var answers []any
	for _, item := range records {
		var v any = true
		why := shape.refuse(item, r.method == http.MethodPut, "")
		switch {
		case why != "":
		case r.method == http.MethodDelete:
			if _, has := rows[item.text("sku")]; !has {
				why = "Invalid sku (" + item.text("sku") + ")"
			}
			delete(rows, item.text("sku"))
		case r.method == http.MethodPut:
			v, why = set(item)
		default:
			why = "Method not allowed"
		}
		if why != "" {
			answers = append(answers, &failure{http.StatusBadRequest, why})
			continue
		}
		answers = append(answers, map[string]any{"statuscode": http.StatusOK, "return": v})
	}
	return ok(answers)
}

func (t *Till) bySKU(sku string) record {
	for _, p := range t.tables["products"].rows {
		if p.text("sku") == sku {
			return p
		}
	}
	return nil
}

func sorted(rows map[string]record) []record {
	keys := make([]string, 0, len(rows))
	for k := range rows {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]record, 0, len(keys))
	for _, k := range keys {
		out = append(out, rows[k])
	}
	return out
}

// belowProduct answers for families, images and files.
func (t *Till) belowProduct(r *request, id, what string, rest []string) reply {
	product, has := t.tables["products"].rows[id]
	if !has {
		return bad("Invalid productid (%s)", id)
	}
	switch what {
	case "productvariants":
		if r.method == http.MethodGet {
			return t.family(product)
		}
		return t.replaceFamily(r, product)
	case "images", "files":
		return t.gallery(r, id+"/"+what, rest)
	}
	return reply{http.StatusNotFound, fault("URL invalid")}
}

func (t *Till) family(product record) reply {
	parent := product.int("variantparentid")
	groups, variants := []record{}, []any{}
	if parent != 0 {
		groups = t.families[parent]
		for _, p := range t.tables["products"].all() {
			if p.int("variantparentid") != parent {
				continue
			}
			row := pick(p, strings.Fields("productid active activepos title sku moneyprice moneypriceorg moneypricein barcode barcodealiases pricelisthasvolume"))
			row["deliverystatus"], row["moneyofferprice"] = "", "0.00"
			row["friendly"] = p.text("friendly")
			if row["barcode"] == nil {
				row["barcode"] = ""
			}
			var attributes []any
			values, _ := p["variant"].([]any)
			for _, v := range values {
				attributes = append(attributes, v.(record)["value"]) //nolint:forcetypeassert // written by replaceFamily
			}
			row["attributes"] = attributes
			variants = append(variants, row)
		}
	}
	return ok(map[string]any{"groups": groups, "variants": variants})
}

var variantKinds = `productid:i active:b activepos:b title:s sku:s deliverystatus:s moneyprice:m moneypriceorg:m moneypricein:m
	moneyofferprice:m barcode:s barcodealiases:a friendly:s attributes:a`

// replaceFamily makes the family what it is told; whoever is left out is deleted.
func (t *Till) replaceFamily(r *request, main record) reply {
	records, many, why := r.decode()
	if why != "" || many {
		return bad("Invalid JSON")
	}
	groups, _ := records[0]["groups"].([]any)
	rows, _ := records[0]["variants"].([]any)
	required := slices.DeleteFunc(strings.Fields(variantKinds), func(s string) bool { return strings.HasPrefix(s, "barcodealiases") })
	for i, s := range required {
		required[i], _, _ = strings.Cut(s, ":")
	}
	shape := &table{kinds: kinds(variantKinds), required: required}
	products := t.tables["products"]
	parent := main.int("productid")
	for _, row := range rows {
		row, isObject := row.(map[string]any)
		if !isObject {
			return bad("Invalid JSON")
		}
		if why := shape.refuse(row, true, ""); why != "" {
			return bad("%s", why)
		}
		id := keyText(record(row)["productid"])
		other, has := products.rows[id]
		if id != "0" && !has {
			return bad("Invalid productid (%s)", id)
		}
		if p := other.int("variantparentid"); has && p != 0 && p != parent {
			return bad("Invalid productid (%s)", id)
		}
		if values, _ := row["attributes"].([]any); len(values) != len(groups) {
			return bad("Invalid attributes")
		}
		change := clone(row)
		delete(change, "productid")
		delete(change, "attributes")
		if why := products.refuse(change, false, id); why != "" {
			return bad("%s", why)
		}
	}
	keep := map[string]bool{}
	for _, raw := range rows {
		row := record(raw.(map[string]any)) //nolint:forcetypeassert // checked above
		key := keyText(row["productid"])
		if key == "0" {
			t.nextID++
			fresh := record{"sku": row["sku"]}
			t.complete(products, fresh)
			products.insert(t.nextID, fresh)
			key = strconv.FormatInt(t.nextID, 10)
		}
		keep[key] = true
		p := products.rows[key]
		for name, v := range row {
			if name != "productid" && name != "attributes" && name != "deliverystatus" && name != "moneyofferprice" {
				p[name] = v
			}
		}
		var variant []any
		values, _ := row["attributes"].([]any)
		for i, v := range values {
			group, _ := groups[i].(map[string]any)
			variant = append(variant, record{"name": group["name"], "value": v})
		}
		p["variant"], p["variantparentid"] = variant, parent
		t.touch(products, p)
	}
	for _, p := range products.all() {
		if key := keyText(p["productid"]); p.int("variantparentid") == parent && !keep[key] {
			products.delete(key)
		}
	}
	t.families[parent] = nil
	for _, g := range groups {
		group, _ := g.(map[string]any)
		t.families[parent] = append(t.families[parent], group)
	}
	return ok(true)
}

// gallery answers for the images or files of a product, by their place.
func (t *Till) gallery(r *request, key string, rest []string) reply {
	images := t.images[key]
	if len(rest) == 1 {
		i, err := strconv.Atoi(rest[0])
		if err != nil || i < 0 || i >= len(images) {
			return bad("Invalid imageid (%s)", rest[0])
		}
		if r.method == http.MethodDelete {
			t.images[key] = slices.Delete(images, i, i+1)
			return ok(true)
		}
		return ok(images[i])
	}
	if r.method == http.MethodGet {
		return list(images, r.query, nil)
	}
	records, many, why := r.decode()
	if why != "" || many {
		return bad("Invalid JSON")
	}
	name, data := records[0].text("resourceid"), records[0].text("filedata")
	if name == "" {
		return bad("Missing required field 'resourceid'.")
	}
	resource, has := t.library[name]
	if data == "" && !has {
		return bad("Invalid resourceid (%s)", name)
	}
	if data != "" {
		resource = record{"resourceid": name, "mimetype": "image/jpeg", "width": 800, "height": 600, "filesize": len(data) * 3 / 4, "datecreated": now()}
		t.library[name] = resource
	}
	t.images[key] = append(images, resource)
	return ok(true)
}
