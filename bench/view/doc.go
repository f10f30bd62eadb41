// Package view counts, by a benchmark, the false alarms of the watch for a moved camera:
// how often a clip of a fixed camera counts as one of a moved camera.
//
//	go test ./bench/view -run '^$' -bench . -clips $HEDGE_DATA/dev/mot15_PETS09-S2L1/vtest.avi,...
//
// Each clip is played through a pipeline that hides everything outside of half of the
// picture, without a network, so that nothing explains what stands before the camera.
package view
