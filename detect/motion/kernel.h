// Twins of the kernels in kernel.go, same names, same results.
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CLONES __attribute__((target_clones("avx2", "default")))
#else
#define CLONES
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ABS(a) ((a) < 0 ? -(a) : (a))

// With k known at compile time the inner loop is unrolled.
static inline __attribute__((always_inline)) void across(uint16_t *restrict dst, const uint16_t *restrict acc, int n, int k, uint64_t r) {
	for (int i = 0; i < n; i++, acc += k) {
		uint32_t sum = 0;
		for (int x = 0; x < k; x++) sum += acc[x];
		dst[i] = (uint16_t)((sum * r + ((uint64_t)1 << 31)) >> 32);
	}
}

CLONES
static void shrink(uint16_t *restrict dst, const uint8_t *restrict src, long stride, int w, int h, int k, int step, uint16_t *restrict acc) {
	int tw = (w + k - 1) / k;
	for (int y0 = 0; y0 < h; y0 += k, dst += tw) {
		int y1 = MIN(y0 + k, h), rows = 0;
		memset(acc, 0, sizeof(*acc) * (size_t)w);
		for (int y = y0; y < y1; y += step, rows++) {
			const uint8_t *row = src + y * stride;
			for (int x = 0; x < w; x++) acc[x] += row[x];
		}
		uint64_t whole = ((uint64_t)16 << 32) / (uint64_t)(rows * k);
		int full = w / k;
		switch (k) {
		case 2: across(dst, acc, full, 2, whole); break;
		case 3: across(dst, acc, full, 3, whole); break;
		case 4: across(dst, acc, full, 4, whole); break;
		case 5: across(dst, acc, full, 5, whole); break;
		case 8: across(dst, acc, full, 8, whole); break;
		default: across(dst, acc, full, k, whole);
		}
		if (full < tw) {
			uint64_t r = ((uint64_t)16 << 32) / (uint64_t)(rows * (w - full * k));
			uint32_t sum = 0;
			for (int x = full * k; x < w; x++) sum += acc[x];
			dst[full] = (uint16_t)((sum * r + ((uint64_t)1 << 31)) >> 32);
		}
	}
}

CLONES
static void diff(int16_t *restrict d, const uint16_t *restrict t, const int16_t *restrict table, const int32_t *restrict bg, int n) {
	for (int i = 0; i < n; i++) d[i] = (int16_t)(table[t[i]] - (int16_t)(bg[i] >> 8));
}

#define RADIUS 6   // meanRadius
#define WIDEST 512 // mosaicSide

CLONES
static void box_mean(int16_t *restrict m, const int16_t *restrict d, int w, int h, int32_t *restrict col, int32_t *restrict line) {
	const int r = RADIUS, n = 2 * RADIUS + 1;
	const int32_t inv = (1 << 20) / (n * n) + 1;
	int32_t two[WIDEST + 2 * RADIUS], four[WIDEST + 2 * RADIUS];
	for (int x = 0; x < w; x++) {
		int32_t s = d[x] * (r + 1);
		for (int y = 1; y <= r; y++) s += d[(long)MIN(y, h - 1) * w + x];
		col[x] = s;
	}
	for (int y = 0; y < h; y++) {
		for (int x = 0; x < r; x++) line[x] = col[0], line[w + r + x] = col[w - 1];
		memcpy(line + r, col, sizeof(*col) * (size_t)w);
		// 13 = 8 + 4 + 1: sums of two and of four make the rest.
		for (int x = 0; x < w + 11; x++) two[x] = line[x] + line[x + 1];
		for (int x = 0; x < w + 9; x++) four[x] = two[x] + two[x + 2];
		int16_t *out = m + (long)y * w;
		for (int x = 0; x < w; x++) {
			int32_t s = four[x] + four[x + 4] + four[x + 8] + line[x + 12];
			out[x] = (int16_t)(((s >> 3) * inv + (1 << 16)) >> 17);
		}
		const int16_t *add = d + (long)MIN(y + r + 1, h - 1) * w, *sub = d + (long)MAX(y - r, 0) * w;
		for (int x = 0; x < w; x++) col[x] += add[x] - sub[x];
	}
}

CLONES
static void classify(uint8_t *restrict px, const int16_t *restrict d, const int16_t *restrict m, const int32_t *restrict noise, int n, int gain, int floor, int k) {
	for (int i = 0; i < n; i++) {
		int32_t e = d[i] - gain, r = d[i] - m[i];
		e = ABS(e), r = ABS(r);
		int32_t t = floor + (noise[i] * k >> 12);
		int change = e > t;
		px[i] = (uint8_t)(change | (change & (r > t)) << 1 | (change & (r > 2 * t)) << 2);
	}
}

CLONES
static void learn(int32_t *restrict bg, int32_t *restrict noise, const int16_t *restrict d, const int16_t *restrict m, int w, int h, int odd, const uint8_t *restrict cells, long stride, int gain, int ab, int an, int clip, uint8_t *restrict code) {
	int32_t drift = gain * ab >> 8;
	for (int y = 0; y < h; y++, bg += w, noise += w, d += w, m += w) {
		if ((y >> 1 & 1) != odd) continue;
		const uint8_t *c = cells + (y / 2) * stride;
		for (int i = 0; i < w / 2; i++) code[2 * i] = code[2 * i + 1] = c[i];
		if (w & 1) code[w - 1] = c[w / 2];
		for (int x = 0; x < w; x++) {
			// Masks in place of branches, so that the loop becomes vector code.
			int32_t all = -(int32_t)(code[x] == 0), absorb = -(int32_t)(code[x] == 2);
			int32_t r = d[x] - m[x];
			r = ABS(r);
			r = MIN(r, clip);
			bg[x] += ((d[x] * ab >> 8) & all) | ((d[x] * 256) & absorb) | (drift & ~(all | absorb));
			noise[x] += ((r * 256 - noise[x]) * (an >> 4) >> 12) & all;
		}
	}
}

CLONES
static void gather(uint8_t *restrict cand, uint8_t *restrict lasting, uint8_t *restrict soft, uint8_t *restrict energy, int32_t *restrict light,
                   const uint8_t *restrict px, const uint8_t *restrict last, const int16_t *restrict d, const int16_t *restrict mean, int w, int h, int gain, int cw, long stride) {
	// Columns of two first: counts of the three bits of px in three bits each
	// (structure is shared with what lasts), then pairs of columns.
	uint16_t count[WIDEST + 2];
	int16_t size[WIDEST + 2], rest[WIDEST + 2];
	cand += stride + 1, lasting += stride + 1, soft += stride + 1, energy += stride + 1, light += stride + 1;
	for (int y = 0; y < h; y += 2) {
		long o = (long)y * w, u = y + 1 < h ? o + w : o;
		for (int x = 0; x < w; x++) {
			int p = px[o + x], q = px[u + x], l = (p & last[o + x] & 2) + (q & last[u + x] & 2);
			int e = d[o + x] - gain, f = d[u + x] - gain;
			e = ABS(e), f = ABS(f);
			count[x] = (uint16_t)((p & 1) + (q & 1) + ((p & 2) << 2) + ((q & 2) << 2) + ((p & 4) << 4) + ((q & 4) << 4) + (l << 8));
			size[x] = (int16_t)(e + f);
			rest[x] = (int16_t)(d[o + x] - mean[o + x] + d[u + x] - mean[u + x]);
		}
		if (w & 1) count[w] = count[w - 1], size[w] = size[w - 1], rest[w] = rest[w - 1];
		for (int c = 0; c < cw; c++) {
			int n = count[2 * c] + count[2 * c + 1], abs = size[2 * c] + size[2 * c + 1];
			int change = n & 7, structure = n >> 3 & 7, strong = n >> 6 & 7;
			cand[c] = (structure >= 2) | (strong > 0);
			lasting[c] = n >> 9 > 0;
			soft[c] = change >= 2;
			energy[c] = (uint8_t)MIN(abs / 32, 255);
			light[c] = (rest[2 * c] + rest[2 * c + 1]) * 64;
		}
		cand += stride, lasting += stride, soft += stride, energy += stride, light += stride;
	}
}
