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

CLONES
static void box_mean(int16_t *restrict m, const int16_t *restrict d, int w, int h, int r, int32_t *restrict col, int32_t *restrict line) {
	int n = 2 * r + 1;
	int64_t inv = (1 << 20) / (n * n) + 1;
	for (int x = 0; x < w; x++) {
		int32_t s = d[x] * (r + 1);
		for (int y = 1; y <= r; y++) s += d[(long)MIN(y, h - 1) * w + x];
		col[x] = s;
	}
	for (int y = 0; y < h; y++) {
		for (int x = 0; x < r; x++) line[x] = col[0], line[w + r + x] = col[w - 1];
		memcpy(line + r, col, sizeof(*col) * (size_t)w);
		int32_t s = 0;
		for (int x = 0; x < n - 1; x++) s += line[x];
		int16_t *out = m + (long)y * w;
		for (int x = 0; x < w; x++) {
			s += line[x + n - 1];
			out[x] = (int16_t)((s * inv + (1 << 19)) >> 20);
			s -= line[x];
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
static void learn(int32_t *restrict bg, int32_t *restrict noise, const int16_t *restrict d, const int16_t *restrict m, int w, int h, const uint8_t *restrict cells, long stride, int gain, int ab, int an, int clip, uint8_t *restrict code) {
	int32_t drift = gain * ab >> 8;
	for (int y = 0; y < h; y++, bg += w, noise += w, d += w, m += w) {
		if (y % 2 == 0) {
			const uint8_t *c = cells + (y / 2) * stride;
			for (int x = 0; x < w; x++) code[x] = c[x / 2];
		}
		for (int x = 0; x < w; x++) {
			int32_t all = d[x] * ab >> 8, absorb = d[x] * 256;
			int32_t r = d[x] - m[x];
			r = ABS(r);
			r = MIN(r, clip);
			int32_t dn = ((r * 256 - noise[x]) >> 4) * an >> 12;
			bg[x] += code[x] == 0 ? all : code[x] == 2 ? absorb : drift;
			noise[x] += code[x] == 0 ? dn : 0;
		}
	}
}

static inline int32_t clamp_grad(int32_t v) { return MIN(MAX((int16_t)v, -255), 255); }

CLONES
static void correlate(const int16_t *restrict a, const int16_t *restrict b, int w, int h, int dx, int dy, int64_t *restrict out) {
	int x0 = MAX(0, -dx), x1 = MIN(w - 1, w - 1 - dx), y1 = MIN(h - 1, h - 1 - dy);
	int64_t ab = 0, aa = 0, bb = 0;
	for (int y = MAX(0, -dy); y < y1; y += 2) {
		const int16_t *p = a + (long)y * w, *q = b + (long)(y + dy) * w + dx;
		// 2 * 255^2 * 16384 samples of a row would overflow; rows are shorter.
		int32_t rab = 0, raa = 0, rbb = 0;
		for (int x = x0; x < x1; x++) {
			int32_t ax = clamp_grad(p[x + 1] - p[x]), ay = clamp_grad(p[x + w] - p[x]);
			int32_t bx = clamp_grad(q[x + 1] - q[x]), by = clamp_grad(q[x + w] - q[x]);
			rab += ax * bx + ay * by;
			raa += ax * ax + ay * ay;
			rbb += bx * bx + by * by;
		}
		ab += rab, aa += raa, bb += rbb;
	}
	out[0] = ab, out[1] = aa, out[2] = bb;
}

CLONES
static void gather(uint8_t *restrict cand, uint8_t *restrict lasting, uint8_t *restrict soft, uint8_t *restrict energy, int32_t *restrict light,
                   const uint8_t *restrict px, const uint8_t *restrict last, const int16_t *restrict d, const int16_t *restrict mean, int w, int h, int gain, int cw, long stride) {
	cand += stride + 1, lasting += stride + 1, soft += stride + 1, energy += stride + 1, light += stride + 1;
	for (int y = 0; y < h; y += 2) {
		long o = (long)y * w, below = y + 1 < h ? w : 0;
		for (int cx = 0; cx < cw; cx++) {
			long a = o + 2 * cx, b = a + (2 * cx + 1 < w);
			long at[4] = {a, b, a + below, b + below};
			int change = 0, structure = 0, strong = 0, lasts = 0;
			int32_t sum = 0, abs = 0;
			for (int k = 0; k < 4; k++) {
				long j = at[k];
				int p = px[j];
				change += p & 1, structure += p >> 1 & 1, strong |= p >> 2, lasts |= p & last[j];
				int32_t e = d[j] - gain;
				abs += ABS(e);
				sum += d[j] - mean[j];
			}
			cand[cx] = (uint8_t)MIN(structure / 2 + strong, 1);
			lasting[cx] = lasts >> 1 & 1;
			soft[cx] = (uint8_t)MIN(change / 2, 1);
			energy[cx] = (uint8_t)MIN(abs / 32, 255);
			light[cx] = sum * 64;
		}
		cand += stride, lasting += stride, soft += stride, energy += stride, light += stride;
	}
}
