package models_test

import (
	"fmt"

	"github.com/hedgecam/hedge/detect"
	"github.com/hedgecam/hedge/models"
)

// The manifest says what a network finds and under which licence.
func Example() {
	m, err := models.Find("hedge-n")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("finds plates:", m.ClassSet().Has(detect.Plate))
	fmt.Println("licence:", m.Licence)
	// Output:
	// finds plates: true
	// licence: Apache-2.0
}
