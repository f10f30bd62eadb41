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

/* One row pair of 4:2:2. l and c are where luma and chroma begin. */
static inline void unpack_pair(uint8_t *restrict ya, uint8_t *restrict yb, uint8_t *restrict cb, uint8_t *restrict cr,
	const uint8_t *restrict a, const uint8_t *restrict b, int w, const int l, const int c)
{
	for (int x = 0; x < w; x++)
		ya[x] = a[2 * x + l];
	if (yb != ya)
		for (int x = 0; x < w; x++)
			yb[x] = b[2 * x + l];
	for (int x = 0; x < w / 2; x++) {
		cb[x] = (uint8_t)((a[4 * x + c] + b[4 * x + c] + 1) >> 1);
		cr[x] = (uint8_t)((a[4 * x + 2 + c] + b[4 * x + 2 + c] + 1) >> 1);
	}
}

CLONES void mediadev_unpack422(uint8_t *luma, int luma_stride, uint8_t *cb, uint8_t *cr, int chroma_stride, const uint8_t *src, int stride, int w, int h, int uyvy)
{
	for (int y = 0; y < h; y += 2) {
		const uint8_t *a = src + (ptrdiff_t)y * stride;
		const uint8_t *b = y + 1 < h ? a + stride : a;
		uint8_t *ya = luma + (ptrdiff_t)y * luma_stride;
		uint8_t *yb = y + 1 < h ? ya + luma_stride : ya;
		ptrdiff_t at = (ptrdiff_t)(y / 2) * chroma_stride;
		if (uyvy)
			unpack_pair(ya, yb, cb + at, cr + at, a, b, w, 1, 0);
		else
			unpack_pair(ya, yb, cb + at, cr + at, a, b, w, 0, 1);
	}
}

CLONES void mediadev_split(uint8_t *first, uint8_t *second, int dst_stride, const uint8_t *src, int src_stride, int w, int h)
{
	for (int y = 0; y < h; y++) {
		const uint8_t *restrict s = src + (ptrdiff_t)y * src_stride;
		uint8_t *restrict a = first + (ptrdiff_t)y * dst_stride;
		uint8_t *restrict b = second + (ptrdiff_t)y * dst_stride;
		for (int x = 0; x < w; x++) {
			a[x] = s[2 * x];
			b[x] = s[2 * x + 1];
		}
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
