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

INLINE int same_row(const uint64_t *a, const uint64_t *b, int words)
{
	for (int i = 0; i < words; i++)
		if (a[i] != b[i])
			return 0;
	return 1;
}

/* same_until returns the end of the rows, up to end, that have the blocks of row y. */
INLINE int same_until(const uint64_t *blocks, int words, int y, int end)
{
	const uint64_t *row = blocks + (int64_t)y * words;
	for (y++; y < end && same_row(row, blocks + (int64_t)y * words, words); y++)
		;
	return y;
}

#endif
