//go:build cgo

#include "scale.h"

#include <string.h>

// The compiler makes two versions and the loader picks one: Debian's amd64
// baseline is SSE2. Needs glibc's indirect functions. NEON is arm64's baseline.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && defined(__GLIBC__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif
#define INLINE static inline __attribute__((always_inline))

enum { TILE = 256 };

INLINE void box_row(uint8_t *restrict dst, const uint16_t *restrict row, int n, int kx,
                    uint16_t half, uint16_t mul)
{
	for (int x = 0; x < n; x++) {
		uint16_t s = half;
		for (int k = 0; k < kx; k++)
			s += row[x * kx + k];
		dst[x] = (uint8_t)(((uint32_t)s * mul) >> 16);
	}
}

// box_row_wide is box_row for boxes whose sum needs a longer reciprocal.
INLINE void box_row_wide(uint8_t *restrict dst, const uint16_t *restrict row, int n, int kx,
                         uint16_t half, uint32_t mul)
{
	for (int x = 0; x < n; x++) {
		uint32_t s = half;
		for (int k = 0; k < kx; k++)
			s += row[x * kx + k];
		dst[x] = (uint8_t)((s * mul) >> 22);
	}
}

CLONES
void hedge_box(uint8_t *dst, ptrdiff_t dstride, const uint8_t *src, ptrdiff_t sstride,
               int dw, int dh, int kx, int ky)
{
	int n = kx * ky;
	if (n == 1) {
		for (int y = 0; y < dh; y++)
			memcpy(dst + y * dstride, src + y * sstride, (size_t)dw);
		return;
	}
	uint16_t half = (uint16_t)(n / 2);
	uint16_t mul = (uint16_t)((65536 + n - 1) / n);
	uint32_t wide = n > 16 ? (uint32_t)(((1 << 22) + n - 1) / n) : 0;
	uint16_t row[TILE * 16];
	for (int y = 0; y < dh; y++) {
		for (int x0 = 0; x0 < dw; x0 += TILE) {
			int dn = dw - x0 < TILE ? dw - x0 : TILE;
			int sn = dn * kx;
			const uint8_t *s = src + (ptrdiff_t)y * ky * sstride + (ptrdiff_t)x0 * kx;
			uint8_t *d = dst + y * dstride + x0;
			switch (ky) {
			case 1:
				for (int i = 0; i < sn; i++)
					row[i] = s[i];
				break;
			case 2:
				for (int i = 0; i < sn; i++)
					row[i] = (uint16_t)(s[i] + s[i + sstride]);
				break;
			case 3:
				for (int i = 0; i < sn; i++)
					row[i] = (uint16_t)(s[i] + s[i + sstride] + s[i + 2 * sstride]);
				break;
			default:
				for (int i = 0; i < sn; i++)
					row[i] = s[i];
				for (int k = 1; k < ky; k++)
					for (int i = 0; i < sn; i++)
						row[i] = (uint16_t)(row[i] + s[i + k * sstride]);
			}
			if (wide) {
				if (kx == 6)
					box_row_wide(d, row, dn, 6, half, wide);
				else
					box_row_wide(d, row, dn, kx, half, wide);
				continue;
			}
			switch (kx) {
			case 1: box_row(d, row, dn, 1, half, mul); break;
			case 2: box_row(d, row, dn, 2, half, mul); break;
			case 3: box_row(d, row, dn, 3, half, mul); break;
			case 4: box_row(d, row, dn, 4, half, mul); break;
			default: box_row(d, row, dn, kx, half, mul);
			}
		}
	}
}

CLONES
void hedge_resample(uint8_t *dst, ptrdiff_t dstride, const uint8_t *src, ptrdiff_t sstride,
                    int dw, int dh, int first_col, int ncols,
                    const int32_t *xspan, const uint32_t *xw,
                    const int32_t *yspan, const uint32_t *yw, uint32_t *restrict row)
{
	int done = -1;
	for (int y = 0; y < dh; y++) {
		int y0 = yspan[2 * y], yn = yspan[2 * y + 1] - yspan[2 * y];
		if (yn != 1 || y0 != done) {
			for (int k = 0; k < yn; k++) {
				const uint8_t *s = src + (y0 + k) * sstride + first_col;
				uint32_t w = yw[k];
				if (k == 0)
					for (int i = 0; i < ncols; i++)
						row[i] = w * s[i] + 128;
				else
					for (int i = 0; i < ncols; i++)
						row[i] += w * s[i];
			}
			for (int i = 0; i < ncols; i++)
				row[i] >>= 8;
		}
		// Rows that one source row alone makes up come in runs when enlarging.
		done = yn == 1 ? y0 : -1;
		yw += yn;
		const uint32_t *w = xw;
		uint8_t *d = dst + y * dstride;
		for (int x = 0; x < dw; x++) {
			int a = xspan[2 * x] - first_col, n = xspan[2 * x + 1] - xspan[2 * x];
			uint32_t s = 1u << 23;
			for (int k = 0; k < n; k++)
				s += w[k] * row[a + k];
			w += n;
			d[x] = (uint8_t)(s >> 24);
		}
	}
}

INLINE int32_t clamp_sample(int32_t v)
{
	v = v < 0 ? 0 : v;
	return v > (255 << 13) ? (255 << 13) : v;
}

INLINE void fill_row(float *restrict dst, const uint8_t *restrict y, const int32_t *restrict c,
                     int from, int to, int32_t y0, int32_t ky)
{
	const float scale = 1.0f / 8192;
	for (int i = from; i < to; i++)
		dst[i] = (float)clamp_sample((y[i] - y0) * ky + c[i]) * scale;
}

CLONES
void hedge_fill_bgr(float *b, float *g, float *r, int stride,
                    const uint8_t *y, ptrdiff_t ystride,
                    const uint8_t *cb, const uint8_t *cr, ptrdiff_t cstride,
                    int w, int h, int offx, int offy, const int32_t *k)
{
	const int32_t ky = k[0], y0 = k[1], kbu = k[2], kgu = k[3], kgv = k[4], krv = k[5];
	int32_t tb[2 * TILE], tg[2 * TILE], tr[2 * TILE];
	for (int yy = 0; yy < h;) {
		int cy = (yy + offy) >> 1;
		int rows = 2 - ((yy + offy) & 1);
		if (rows > h - yy)
			rows = h - yy;
		// Tiles begin on even columns of the chroma grid.
		for (int x0 = -offx; x0 < w; x0 += 2 * TILE) {
			int n = w - x0 < 2 * TILE ? w - x0 : 2 * TILE;
			const uint8_t *u = cb + cy * cstride + ((x0 + offx) >> 1);
			const uint8_t *v = cr + cy * cstride + ((x0 + offx) >> 1);
			for (int i = 0; i < (n + 1) / 2; i++) {
				int32_t cu = u[i] - 128, cv = v[i] - 128;
				int32_t vb = kbu * cu, vg = kgu * cu + kgv * cv, vr = krv * cv;
				tb[2 * i] = vb;
				tb[2 * i + 1] = vb;
				tg[2 * i] = vg;
				tg[2 * i + 1] = vg;
				tr[2 * i] = vr;
				tr[2 * i + 1] = vr;
			}
			int lead = x0 < 0 ? -x0 : 0;
			for (int j = 0; j < rows; j++) {
				ptrdiff_t o = (ptrdiff_t)(yy + j) * stride + x0;
				const uint8_t *s = y + (yy + j) * ystride + x0;
				fill_row(b + o, s, tb, lead, n, y0, ky);
				fill_row(g + o, s, tg, lead, n, y0, ky);
				fill_row(r + o, s, tr, lead, n, y0, ky);
			}
		}
		yy += rows;
	}
}
