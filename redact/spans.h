//go:build cgo

/* What the kernels share: compilation for several processors, and the runs of blocks in
 * a set of them. */

#ifndef REDACT_SPANS_H
#define REDACT_SPANS_H

#include "kernel.h"

#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#ifdef __ARM_NEON
#include <arm_neon.h>
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE int min(int a, int b) { return a < b ? a : b; }
INLINE int max(int a, int b) { return a > b ? a : b; }

/* next_span finds the first run of set bits at or after bit x; 0 if none. */
INLINE int next_span(const uint64_t *row, int words, int x, int *x0, int *x1)
{
	int i = x / 64;
	if (i >= words)
		return 0;
	uint64_t w = row[i] & (~(uint64_t)0 << (x % 64));
	while (w == 0) {
		if (++i == words)
			return 0;
		w = row[i];
	}
	*x0 = i * 64 + __builtin_ctzll(w);
	w = ~row[i] & (~(uint64_t)0 << (*x0 % 64));
	while (w == 0) {
		if (++i == words) {
			*x1 = i * 64;
			return 1;
		}
		w = ~row[i];
	}
	*x1 = i * 64 + __builtin_ctzll(w);
	return 1;
}

/* row_end returns the end of the last run of set bits of a row. */
INLINE int row_end(const uint64_t *row, int words)
{
	for (int i = words - 1; i >= 0; i--)
		if (row[i])
			return i * 64 + 64 - __builtin_clzll(row[i]);
	return 0;
}

/* band_end returns the end of the band of equal rows that has row y, which is one of
 * lo..hi-1. */
INLINE int band_end(const struct redact_mask *m, int y)
{
	const int last = (m->hi - 1) / 64;
	int i = y / 64;
	uint64_t w = m->starts[i] & (~(uint64_t)1 << (y % 64));
	while (w == 0) {
		if (i++ == last)
			return m->hi;
		w = m->starts[i];
	}
	return i * 64 + __builtin_ctzll(w);
}

/* band_of returns the band that has row y, which is one of lo..hi-1. */
INLINE const uint64_t *band_of(const struct redact_mask *m, int y)
{
	int i = y / 64;
	uint64_t w = m->starts[i] & (~(uint64_t)0 >> (63 - y % 64));
	while (w == 0)
		w = m->starts[--i];
	return m->bits + (int64_t)(i * 64 + 63 - __builtin_clzll(w)) * m->words;
}

#endif
