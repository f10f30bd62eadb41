//go:build cgo

/* The kernels of kernel.go in C. Both give the same results, bit for bit. */

#include "kernel.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

CLONES void mediadev_halve_rows(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h)
{
	for (int y = 0; y < h; y += 2) {
		const uint8_t *a = src + (ptrdiff_t)y * src_stride;
		const uint8_t *b = y + 1 < h ? a + src_stride : a;
		uint8_t *restrict d = dst + (ptrdiff_t)(y / 2) * dst_stride;
		for (int x = 0; x < w; x++)
			d[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
	}
}

CLONES void mediadev_halve_both(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h)
{
	for (int y = 0; y < h; y += 2) {
		const uint8_t *a = src + (ptrdiff_t)y * src_stride;
		const uint8_t *b = y + 1 < h ? a + src_stride : a;
		uint8_t *restrict d = dst + (ptrdiff_t)(y / 2) * dst_stride;
		for (int x = 0; x < w / 2; x++)
			d[x] = (uint8_t)((a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1] + 2) >> 2);
		if (w % 2)
			d[w / 2] = (uint8_t)((a[w - 1] + b[w - 1] + 1) >> 1);
	}
}

CLONES void mediadev_limit(uint8_t *s, int n, int gain, int offset)
{
	uint16_t g = (uint16_t)gain, o = (uint16_t)(offset + 128);
	for (int i = 0; i < n; i++) {
		uint16_t v = (uint16_t)(s[i] * g + o);
		s[i] = (uint8_t)((uint16_t)(v + (v >> 8)) >> 8);
	}
}
