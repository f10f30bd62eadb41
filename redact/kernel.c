//go:build cgo

/* The kernels of kernel.go in C: frost. Both give the same results, bit for bit. */

#include "spans.h"

/* sum_rect adds up w x h samples. */
INLINE uint32_t sum_rect(const uint8_t *p, int stride, int w, int h)
{
	uint32_t sum = 0;
	int wide = 0;
#ifdef __SSE2__
	/* The sum of 8 absolute differences from 0 is the sum of 8 samples. */
	const __m128i zero = _mm_setzero_si128();
	__m128i acc = zero, acc2 = zero;
	const uint8_t *q = p;
	wide = w & ~15;
	if (wide == 64) {
		for (int y = 0; y < h; y++, q += stride) {
			const __m128i *v = (const __m128i *)q;
			acc = _mm_add_epi64(acc, _mm_sad_epu8(_mm_loadu_si128(v), zero));
			acc2 = _mm_add_epi64(acc2, _mm_sad_epu8(_mm_loadu_si128(v + 1), zero));
			acc = _mm_add_epi64(acc, _mm_sad_epu8(_mm_loadu_si128(v + 2), zero));
			acc2 = _mm_add_epi64(acc2, _mm_sad_epu8(_mm_loadu_si128(v + 3), zero));
		}
	} else {
		for (int y = 0; y < h; y++, q += stride)
			for (int x = 0; x < wide; x += 16)
				acc = _mm_add_epi64(acc, _mm_sad_epu8(_mm_loadu_si128((const __m128i *)(q + x)), zero));
	}
	if (w - wide >= 8) {
		q = p + wide;
		for (int y = 0; y < h; y++, q += stride)
			acc = _mm_add_epi64(acc, _mm_sad_epu8(_mm_loadl_epi64((const __m128i *)q), zero));
		wide += 8;
	}
	acc = _mm_add_epi64(acc, acc2);
	acc = _mm_add_epi64(acc, _mm_unpackhi_epi64(acc, acc));
	sum = (uint32_t)_mm_cvtsi128_si32(acc);
#endif
	if (wide < w)
		for (int y = 0; y < h; y++, p += stride)
			for (int x = wide; x < w; x++)
				sum += p[x];
	return sum;
}

void redact_sum_cells(struct redact_plane p, struct redact_mask m, const uint8_t *need,
                      int cols, int n, uint32_t *sums, uint32_t *counts)
{
	for (int by = m.lo, next; by < m.hi; by = next) {
		const uint64_t *row = band_of(&m, by);
		next = min((by / n + 1) * n, band_end(&m, by));
		int y0 = (by * p.block + 3) & ~3, h = (min(next * p.block, p.h) - y0 + 3) / 4;
		int a, b = 0;
		if (h <= 0)
			continue;
		while (next_span(row, m.words, b, &a, &b)) {
			for (int x = a; x < b;) {
				int end = min((x / n + 1) * n, b);
				int cell = by / n * cols + x / n;
				int l = x * p.block, w = min(end * p.block, p.w) - l;
				x = end;
				if (!need[cell])
					continue;
				sums[cell] += sum_rect(p.pix + (int64_t)y0 * p.stride + l, 4 * p.stride, w, h);
				counts[cell] += (uint32_t)w * (uint32_t)h;
			}
		}
	}
}

typedef uint16_t lanes4 __attribute__((vector_size(8), aligned(2), may_alias));
typedef uint16_t lanes8 __attribute__((vector_size(16), aligned(2), may_alias));
typedef uint16_t lanes16 __attribute__((vector_size(32), aligned(2), may_alias));

/* See interpolateGo; even and odd samples go to arrays of their own, in which up
 * to SLACK words after the last are written, too. */
#define SLACK 16
INLINE void interpolate(uint16_t *even, uint16_t *odd, const uint8_t *values,
                        int cols, int cell, int x0, int x1)
{
	const lanes16 iota = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	int c = (x0 + cell / 2) / cell - 1;
	int origin = c * cell + cell / 2;
	for (int x = x0; x < x1; c++, origin += cell) {
		int end = min(origin + cell, x1);
		int a = values[max(c, 0)];
		int slope = (values[min(c + 1, cols - 1)] - a) * 256 / cell;
		lanes16 e = iota * (uint16_t)(2 * slope) + (uint16_t)(a * 256 + slope / 2 + (x - origin) * slope);
		for (int i = x / 2; i < (end + 1) / 2; i += SLACK) {
			*(lanes16 *)(even + i) = e;
			*(lanes16 *)(odd + i) = e + (uint16_t)slope;
			e += (uint16_t)(2 * SLACK * slope);
		}
		x = end;
	}
}

/* vertical turns two rows of samples, with 8 fractional bits, into the start
 * and the step of the samples between them. */
INLINE void vertical(uint16_t *restrict start, uint16_t *restrict step, int n, int cell)
{
	const int16_t reciprocal = (int16_t)((1 << 17) / cell);
	for (int i = 0; i < n; i++) {
		int16_t d = (int16_t)((step[i] >> 1) - (start[i] >> 1));
		int16_t s = (int16_t)((d * reciprocal) >> 16);
		step[i] = (uint16_t)s;
		start[i] = (uint16_t)(start[i] + (s >> 1) + 128);
	}
}

/* The upper bytes of an even and an odd sample's words, as they lie in memory.
 * Even and odd samples are apart so that no lane has to be packed or shuffled. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define JOIN(even, odd) ((even) >> 8 | ((odd) & 0xff00))
#else
#define JOIN(even, odd) (((even) & 0xff00) | (odd) >> 8)
#endif
/* What fill_frost knows of the samples of a span of blocks. */
struct ramp {
	const uint16_t *start_e, *start_o, *step_e, *step_o;
};

/* COLUMNS writes h rows of as many columns as there are lanes for, from pair i
 * on: down the columns nothing has to be loaded. */
#define COLUMNS(lanes, i)                                                        \
	do {                                                                     \
		const lanes se = *(const lanes *)(r.step_e + (i));               \
		const lanes so = *(const lanes *)(r.step_o + (i));               \
		lanes e = *(const lanes *)(r.start_e + (i)) + se * k;            \
		lanes o = *(const lanes *)(r.start_o + (i)) + so * k;            \
		uint8_t *q = out + 2 * (i);                                      \
		for (int y = 0; y < h; y++, q += stride, e += se, o += so) {     \
			const lanes v = JOIN(e, o);                              \
			memcpy(q, &v, sizeof v);                                 \
		}                                                                \
	} while (0)

/* line_columns is COLUMNS for the 64 samples of a line of cache. While it writes
 * them it has the processor fetch, at ahead, those that will be written next but
 * one: no prefetcher of its own foresees short rows. */
INLINE void line_columns(uint8_t *out, const uint8_t *ahead, int stride, int h, uint16_t k, struct ramp r)
{
	const lanes16 se = *(const lanes16 *)r.step_e, se2 = *(const lanes16 *)(r.step_e + 16);
	const lanes16 so = *(const lanes16 *)r.step_o, so2 = *(const lanes16 *)(r.step_o + 16);
	lanes16 e = *(const lanes16 *)r.start_e + se * k, e2 = *(const lanes16 *)(r.start_e + 16) + se2 * k;
	lanes16 o = *(const lanes16 *)r.start_o + so * k, o2 = *(const lanes16 *)(r.start_o + 16) + so2 * k;
	for (int y = 0; y < h; y++) {
		__builtin_prefetch(ahead, 1);
		lanes16 v = JOIN(e, o);
		memcpy(out, &v, sizeof v);
		v = JOIN(e2, o2);
		memcpy(out + 32, &v, sizeof v);
		e += se, o += so, e2 += se2, o2 += so2;
		out += stride, ahead += stride;
	}
}

/* fill_rows writes h rows of n samples, the k-th row and those after it. */
INLINE void fill_rows(uint8_t *out, int stride, int n, int h, uint16_t k, struct ramp r)
{
	const int lines = n / 64;
	for (int c = 0; c < lines; c++) {
		/* At the end of these rows the beginning of those below comes next. */
		const uint8_t *ahead = c + 2 < lines ? out + (c + 2) * 64
		                                     : out + (int64_t)h * stride + (c + 2 - lines) * 64;
		const struct ramp part = {r.start_e + c * 32, r.start_o + c * 32, r.step_e + c * 32, r.step_o + c * 32};
		line_columns(out + c * 64, ahead, stride, h, k, part);
	}
	int i = lines * 32;
	for (; i + 16 <= n / 2; i += 16)
		COLUMNS(lanes16, i);
	for (; i + 8 <= n / 2; i += 8)
		COLUMNS(lanes8, i);
	for (; i + 4 <= n / 2; i += 4)
		COLUMNS(lanes4, i);
	for (int x = 2 * i; x < n; x++) {
		const uint16_t start = (x & 1 ? r.start_o : r.start_e)[x / 2];
		const uint16_t step = (x & 1 ? r.step_o : r.step_e)[x / 2];
		for (int y = 0; y < h; y++)
			out[(int64_t)y * stride + x] = (uint8_t)((uint16_t)(start + (k + y) * step) >> 8);
	}
}

CLONES
void redact_fill_frost(struct redact_plane p, struct redact_mask m, const uint8_t *values,
                       int cols, int rows, int cell, uint16_t *line)
{
	const int half = (p.w + 1) / 2 + SLACK;
	uint16_t *start_e = line, *start_o = line + half, *step_e = line + 2 * half, *step_o = line + 3 * half;
	int from = 0, to = 0; /* the samples that start and step were made for, */
	int between = -2;     /* and the row of cells from whose centres they go down */
	for (int by = m.lo, next; by < m.hi; by = next) {
		const uint64_t *row = m.bits + (int64_t)by * m.words;
		int a, b = 0;
		next = band_end(&m, by);
		if (!next_span(row, m.words, 0, &a, &b))
			continue;
		const int left = a * p.block & ~1, right = min(row_end(row, m.words) * p.block, p.w);
		const int bottom = min(next * p.block, p.h);
		for (int top = by * p.block, end; top < bottom; top = end) {
			const int r = (top + cell / 2) / cell - 1;
			const int origin = r * cell + cell / 2;
			end = min(origin + cell, bottom);
			const uint8_t *upper = values + max(r, 0) * cols;
			const uint8_t *lower = values + min(r + 1, rows - 1) * cols;
			if (r != between || left < from || right > to) {
				if (r != between)
					from = left, to = right;
				from = min(from, left), to = max(to, right);
				/* An edge that is not upright goes on to one side: room for it. */
				if (r == between)
					from = max(from - 64, 0), to = min(to + 64, p.w);
				const int i = from / 2, pairs = (to - from + 1) / 2;
				interpolate(start_e, start_o, upper, cols, cell, from, to);
				interpolate(step_e, step_o, lower, cols, cell, from, to);
				vertical(start_e + i, step_e + i, pairs, cell);
				vertical(start_o + i, step_o + i, pairs, cell);
				between = r;
			}
			for (b = 0; next_span(row, m.words, b, &a, &b);) {
				int l = a * p.block, n = min(b * p.block, p.w) - l;
				uint8_t *out = p.pix + (int64_t)top * p.stride + l;
				const uint16_t k = (uint16_t)(top - origin);
				if (l & 1) { /* pairs begin at even samples */
					for (int y = 0; y < end - top; y++)
						out[(int64_t)y * p.stride] = (uint8_t)((uint16_t)(start_o[l / 2] + (k + y) * step_o[l / 2]) >> 8);
					out++, l++, n--;
				}
				const int i = l / 2;
				const struct ramp ramp = {start_e + i, start_o + i, step_e + i, step_o + i};
				fill_rows(out, p.stride, n, end - top, k, ramp);
			}
		}
	}
}
