// Package view counts, by a benchmark, how often a fixed camera's clip counts as
// that of a moved one, which none of them is: the false alarms of the watch for a
// moved camera.
//
//	go test ./bench/view -run '^$' -bench . -clips $HEDGE_DATA/dev/mot15_PETS09-S2L1/vtest.avi,...
//
// Each clip is played through a pipeline that hides everything outside of half of the
// picture, without a network, so that nothing explains what stands before the camera.
package view
