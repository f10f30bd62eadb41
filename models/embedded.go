package models

import _ "embed"

//go:embed hedge-n/hedge-n.onnx
var hedgeN []byte

//go:embed hedge-p/hedge-p.onnx
var hedgeP []byte

//go:embed selfie/selfie.onnx
var selfie []byte

// embedded holds the weights that are part of this package, by the model's name.
// To add a network: put its ONNX file into its folder, set "embedded": true in
// models.json, embed the file as above and enter it here.
var embedded = map[string][]byte{"hedge-n": hedgeN, "hedge-p": hedgeP, "selfie": selfie}
