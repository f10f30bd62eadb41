// Package speed measures, by benchmarks, what Hedge costs, part by part and as a whole,
// and writes it beside what it is meant to reach. `make bench BENCH_PACKAGES=./bench/speed` runs
// it; without make, what CONTRIBUTING.md exports comes first:
//
//	go test ./bench/speed -run '^$' -bench . -benchtime 300ms -timeout 2h [-seconds N] [-clip F] [-networks S] [-publish]
//
// Two runs of a part can be compared with benchstat:
//
//	go test ./bench/speed -run '^$' -bench Redact -count 6
//
// Times are core times of the process (all its threads), so that other work on the
// machine moves them little. The latencies of the live run are wall times and need a
// quiet machine. What is compared runs in turn, in one run, and a ratio is the median of
// the ratios of each turn.
//
// The networks need ONNX Runtime and their weights (`make setup`). The live run and the
// file run also need ffmpeg and a clip with people. Without them those rows say so, and
// the rest is measured. -seconds is the length of the live run. With -publish the result
// replaces last.json and last.md; -short is for trying it out.
package speed
