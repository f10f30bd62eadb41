package models

// embedded holds the weights that are part of this package, by the model's name.
// To add a network: put its ONNX file into its folder, set "embedded": true in
// models.json, embed the file and enter it here:
//
//	//go:embed hedge-n/hedge-n.onnx
//	var hedgeN []byte
var embedded = map[string][]byte{}
