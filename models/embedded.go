package models

import _ "embed"

//go:embed hedge-n/hedge-n.onnx
var hedgeN []byte

// embedded holds the weights that are part of this package, by the model's name.
// To add a network: put its ONNX file into its folder, set "embedded": true in
// models.json, embed the file as above and enter it here. hedge-p is hedge-n's
// file on a smaller picture, with thresholds of its own.
var embedded = map[string][]byte{"hedge-n": hedgeN, "hedge-p": hedgeN}
