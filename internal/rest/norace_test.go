//go:build !race

package rest

const raceDetector = false
