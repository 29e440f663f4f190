// Package house holds no code: its tests keep the house in order. They read the whole module and fail when a package has no
// documentation, an import points up, an exported name has no comment, code sleeps or uses the default HTTP client, or the
// four clients stop being alike. LICENCES.md lists what the module is built from.
package house
