// Package network knows what detection networks take and give: how a picture is
// prepared for them, and what their outputs mean. It does not know what runs
// them: a [Session] does, such as one of detect/onnx. It needs no cgo.
//
// [New] makes a [detect.Detector] of an [Opener] of sessions and a [Config], which names the
// [Family] of the network.
//
// # Input
//
// The input is one float32 tensor of one picture. The picture is scaled to fit,
// aspect kept, and lies in the top left corner; the rest is filled with
// [Input.Pad]. That is how YOLOX was trained
// (github.com/Megvii-BaseDetection/YOLOX, yolox/data/data_augment.py, preproc)
// and where OpenCV pads for YuNet, and boxes need no offset. Layout, order of the
// colours and range are those of [Input].
//
// # Memory
//
// The tensors' memory is the session's. Detect allocates nothing once its buffers
// have grown.
package network
