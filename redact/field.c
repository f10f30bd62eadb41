//go:build cgo

/* The kernels of kernel.go and field.go in C: the background fill. Both give the same
 * results, bit for bit. */

#include "spans.h"

typedef int32_t cell4 __attribute__((vector_size(16), aligned(4), may_alias));

INLINE cell4 at(const int32_t *cells, int i) { return *(const cell4 *)(cells + 4 * (int64_t)i); }

void redact_pull(const int32_t *fine, int w, int h, int32_t *coarse)
{
	const int cw = (w + 1) / 2, ch = (h + 1) / 2;
	for (int y = 0; y < ch; y++) {
		for (int x = 0; x < cw; x++) {
			cell4 sum = {0, 0, 0, 0};
			for (int j = 2 * y; j < min(2 * y + 2, h); j++)
				for (int i = 2 * x; i < min(2 * x + 2, w); i++) {
					const cell4 c = at(fine, j * w + i);
					sum += c & -(cell4){c[3], c[3], c[3], c[3]};
				}
			const int n = sum[3];
			if (n == 2)
				sum >>= 1;
			else if (n == 3)
				sum = (sum * 21846) >> 16;
			else if (n == 4)
				sum >>= 2;
			sum[3] = n > 0;
			*(cell4 *)(coarse + 4 * (y * cw + x)) = sum;
		}
	}
}

/* relax sets a cell that is not known to the average of its neighbours. */
INLINE void relax(int32_t *fine, int w, int h, int i)
{
	const int y = i / w, x = i - y * w;
	const cell4 is = at(fine, i);
	const cell4 up = y > 0 ? at(fine, i - w) : is, down = y + 1 < h ? at(fine, i + w) : is;
	const cell4 left = x > 0 ? at(fine, i - 1) : is, right = x + 1 < w ? at(fine, i + 1) : is;
	cell4 v = (up + down + left + right + 2) >> 2;
	v[3] = 0;
	*(cell4 *)(fine + 4 * (int64_t)i) = v;
}

void redact_push(int32_t *fine, int w, int h, const int32_t *coarse, int32_t *todo, int sweeps)
{
	const int cw = (w + 1) / 2, ch = (h + 1) / 2;
	int unknown = 0;
	for (int y = 0; y < h; y++) {
		const int j = y / 2, jn = min(max(j - 1 + 2 * (y & 1), 0), ch - 1);
		for (int x = 0; x < w; x++) {
			int32_t *c = fine + 4 * (int64_t)(y * w + x);
			if (c[3])
				continue;
			todo[unknown++] = y * w + x;
			const int i = x / 2, in = min(max(i - 1 + 2 * (x & 1), 0), cw - 1);
			cell4 v = (9 * at(coarse, j * cw + i) + 3 * at(coarse, j * cw + in) +
			           3 * at(coarse, jn * cw + i) + at(coarse, jn * cw + in) + 8) >> 4;
			v[3] = 0;
			*(cell4 *)c = v;
		}
	}
	for (int n = 0; n < sweeps; n++)
		for (int k = 0; k < unknown; k++)
			relax(fine, w, h, todo[k]);
}

typedef int16_t words16 __attribute__((vector_size(32), aligned(2), may_alias));
typedef int16_t words8 __attribute__((vector_size(16), aligned(2), may_alias));

/* Lines of a field have room for a cell and more before the first sample and after
 * the last. */
#define PAD 16

/* field_row sets out to the values of one row of cells between their centres, for the
 * samples from x0 to before x1 and some around them. */
INLINE void field_row(int16_t *out, const int16_t *values, int cols, int cell, int shift, int x0, int x1)
{
	const words16 iota = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	for (int c = ((x0 + cell / 2) >> shift) - 1; (c << shift) + cell / 2 < x1; c++) {
		const int16_t a = values[max(c, 0)], b = values[min(c + 1, cols - 1)];
		*(words16 *)(out + (c << shift) + cell / 2) = ((iota * (int16_t)(b - a)) + (int16_t)(a * cell)) >> shift;
	}
}

typedef uint8_t bytes16 __attribute__((vector_size(16), aligned(1), may_alias));

/* store16 writes 16 samples, each in the range of one. */
INLINE void store16(uint8_t *out, words16 v)
{
#if defined(__SSE2__)
	const words8 *half = (const words8 *)&v;
	_mm_storeu_si128((__m128i *)out, _mm_packus_epi16((__m128i)half[0], (__m128i)half[1]));
#elif defined(__ARM_NEON)
	const words8 *half = (const words8 *)&v;
	vst1q_u8(out, vcombine_u8(vqmovun_s16((int16x8_t)half[0]), vqmovun_s16((int16x8_t)half[1])));
#else
	for (int i = 0; i < 16; i++)
		out[i] = v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i];
#endif
}

/* What the samples of a run of cells are painted with: two lines, of which the rows go
 * from the first to the second, the k-th row and those after it, and the base, if there
 * is one. */
struct run {
	const int16_t *upper, *lower;
	const uint8_t *base;
	int base_stride, cell, shift, k;
};

/* field_columns paints h rows of n vectors of samples, whose values stay in registers. */
INLINE void field_columns(uint8_t *out, int stride, int n, int h, struct run r, int based, int share)
{
	const int16_t round = (int16_t)(1 << (r.shift - 1));
	words16 acc[4], step[4]; /* of which n are used */
	for (int i = 0; i < n; i++) {
		const words16 u = *(const words16 *)(r.upper + 16 * i);
		step[i] = *(const words16 *)(r.lower + 16 * i) - u;
		acc[i] = u * (int16_t)r.cell + step[i] * (int16_t)r.k + round;
	}
	const uint8_t *base = r.base;
	for (int y = 0; y < h; y++, out += stride, base += r.base_stride) {
		/* No prefetcher foresees short rows: those of the next but one columns. */
		__builtin_prefetch(out + 128, 1);
		if (based)
			__builtin_prefetch(base + 128);
#pragma GCC unroll 4
		for (int i = 0; i < n; i++) {
			words16 v = acc[i] >> r.shift;
			if (based)
				v += __builtin_convertvector(*(const bytes16 *)(base + 16 * i), words16);
			if (share < 4) {
				const words16 is = __builtin_convertvector(*(const bytes16 *)(out + 16 * i), words16);
				const words16 over = v > 255;
				v = (v & (v > 0) & ~over) | (over & 255);
				v = is + (((v - is) * (int16_t)share + 2) >> 2);
			}
			store16(out + 16 * i, v);
			acc[i] += step[i];
		}
	}
}

/* field_wide paints h rows of n samples, which are whole vectors. */
INLINE void field_wide(uint8_t *out, int stride, int n, int h, struct run r, int based, int share)
{
	for (int x = 0; x < n;) {
		if (n - x >= 64) {
			field_columns(out + x, stride, 4, h, r, based, share);
			x += 64, r.upper += 64, r.lower += 64, r.base += based ? 64 : 0;
		} else {
			field_columns(out + x, stride, 1, h, r, based, share);
			x += 16, r.upper += 16, r.lower += 16, r.base += based ? 16 : 0;
		}
	}
}

/* field_run paints h rows of n samples; those at the end of the rows, that are no
 * whole vector, one by one. */
INLINE void field_run(uint8_t *out, int stride, int n, int h, struct run r, int share)
{
	const int round = 1 << (r.shift - 1);
	int x = 0;
	if (n >= 16) {
		if (r.base_stride)
			field_wide(out, stride, n & ~15, h, r, 1, share);
		else
			field_wide(out, stride, n & ~15, h, r, 0, share);
		x = n & ~15;
	}
	for (; x < n; x++) {
		const int step = r.lower[x] - r.upper[x];
		int acc = r.upper[x] * r.cell + step * r.k + round;
		uint8_t *q = out + x;
		const uint8_t *base = r.base + (r.base_stride ? x : 0);
		for (int y = 0; y < h; y++, acc += step, q += stride, base += r.base_stride) {
			int v = (acc >> r.shift) + (r.base_stride ? *base : 0);
			v = v < 0 ? 0 : v > 255 ? 255 : v;
			if (share < 4)
				v = *q + (((v - *q) * share + 2) >> 2);
			*q = (uint8_t)v;
		}
	}
}

INLINE int has(const uint64_t *row, int x) { return row[x / 64] >> (x % 64) & 1; }

#define PAINT_BITS 3

/* field_lines are the lines of a field between two rows of cells. */
struct field_lines {
	int between, from, to; /* what they were made for */
	int made[2];           /* by layer */
	int16_t *upper[2], *lower[2];
};

/* field_lines_for has the lines ready for the samples from left to before right. */
INLINE void field_lines_for(struct field_lines *s, int c, int left, int right, int w)
{
	if (c == s->between && left >= s->from && right <= s->to)
		return;
	if (c != s->between)
		s->from = left, s->to = right;
	else /* An edge that is not upright goes on to one side: room for it. */
		s->from = max(min(s->from, left) - 64, 0), s->to = min(max(s->to, right) + 64, w);
	s->between = c;
	s->made[0] = s->made[1] = 0;
}

INLINE void fill_field(struct redact_plane p, uint8_t *pix, const uint64_t *blocks,
                       const struct redact_layers *f, int share)
{
	const int cell = f->cell, per = cell / p.block;
	struct field_lines s = {.between = -2};
	for (int i = 0; i < 2; i++) {
		s.upper[i] = f->line + 2 * i * f->half + PAD;
		s.lower[i] = s.upper[i] + f->half;
	}
	for (int by = p.lo, next; by < p.hi; by = next) {
		const uint64_t *row = blocks + (int64_t)by * p.words;
		int a, b = 0;
		next = same_until(blocks, p.words, by, p.hi);
		if (!next_span(row, p.words, 0, &a, &b))
			continue;
		const int left = a * p.block, right = min(row_end(row, p.words) * p.block, p.w);
		const int bottom = min(next * p.block, p.h);
		for (int top = by * p.block, end; top < bottom; top = end) {
			const int c = ((top + cell / 2) >> f->shift) - 1, in = top >> f->shift;
			const int origin = (c << f->shift) + cell / 2;
			const uint64_t *known = f->known + (int64_t)in * f->known_words;
			end = min(min(origin + cell, (in + 1) << f->shift), bottom);
			field_lines_for(&s, c, left, right, p.w);
			for (b = 0; next_span(row, p.words, b, &a, &b);) {
				for (int x = a, stop; x < b; x = stop) {
					const int is = has(known, x / per);
					for (stop = x; stop < b && has(known, stop / per) == is;)
						stop = min((stop / per + 1) * per, b);
					if (!s.made[is]) {
						const int16_t *v = f->values[is];
						field_row(s.upper[is], v + max(c, 0) * f->cols, f->cols, cell, f->shift, s.from, s.to);
						field_row(s.lower[is], v + min(c + 1, f->rows - 1) * f->cols, f->cols, cell, f->shift, s.from, s.to);
						s.made[is] = 1;
					}
					const int l = x * p.block, n = min(stop * p.block, p.w) - l;
					struct run r = {s.upper[is] + l, s.lower[is] + l, 0, 0, cell, PAINT_BITS + f->shift, top - origin};
					uint8_t *out = pix + (int64_t)top * p.stride + l;
					if (is) {
						r.base = f->base + (int64_t)top * f->base_stride + l, r.base_stride = f->base_stride;
						field_run(out, p.stride, n, end - top, r, share);
					} else {
						r.base = out;
						field_run(out, p.stride, n, end - top, r, share);
					}
				}
			}
		}
	}
}

/* Apart, so that a fill that hides has no branch for the soft edge in its loop. */
CLONES
void redact_fill_field(struct redact_plane p, uint8_t *pix, const uint64_t *blocks,
                       struct redact_layers f, int share)
{
	if (share < 4)
		fill_field(p, pix, blocks, &f, share);
	else
		fill_field(p, pix, blocks, &f, 4);
}

/* Rows of bits have no branch for their ends: the first and last word apart. */
INLINE void grow_row(uint64_t *restrict dst, const uint64_t *restrict src, int words)
{
	if (words == 1) {
		dst[0] = src[0] | src[0] << 1 | src[0] >> 1;
		return;
	}
	dst[0] = src[0] | src[0] << 1 | src[0] >> 1 | src[1] << 63;
	for (int i = 1; i < words - 1; i++)
		dst[i] = src[i] | src[i] << 1 | src[i] >> 1 | src[i - 1] >> 63 | src[i + 1] << 63;
	const int n = words - 1;
	dst[n] = src[n] | src[n] << 1 | src[n] >> 1 | src[n - 1] >> 63;
}

CLONES
void redact_grow(uint64_t *bits, uint64_t *tmp, int words, int w, int rows, int lo, int hi)
{
	const uint64_t last = w % 64 ? ~(uint64_t)0 >> (64 - w % 64) : ~(uint64_t)0;
	for (int y = lo; y < hi; y++) {
		grow_row(tmp + (int64_t)y * words, bits + (int64_t)y * words, words);
		tmp[(int64_t)y * words + words - 1] &= last;
	}
	for (int y = max(lo - 1, 0); y < min(hi + 1, rows); y++) {
		uint64_t *restrict dst = bits + (int64_t)y * words;
		const uint64_t *is = tmp + (int64_t)min(max(y, lo), hi - 1) * words;
		const uint64_t *up = tmp + (int64_t)max(y - 1, lo) * words, *down = tmp + (int64_t)min(y + 1, hi - 1) * words;
		for (int i = 0; i < words; i++)
			dst[i] = is[i] | up[i] | down[i];
	}
}
