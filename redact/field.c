//go:build cgo

/* The kernels of kernel.go and field.go in C: the background fill. Both give the same
 * results, bit for bit. */

#include "spans.h"

typedef int32_t cell4 __attribute__((vector_size(16), aligned(4), may_alias));

INLINE cell4 at(const int32_t *cells, int i) { return *(const cell4 *)(cells + 4 * (int64_t)i); }

/* known_of returns a cell, or 0 if it is not known. */
INLINE cell4 known_of(const int32_t *cells, int i)
{
	const cell4 c = at(cells, i);
	return c & -(cell4){c[3], c[3], c[3], c[3]};
}

void redact_pull(const int32_t *fine, int w, int h, int32_t *coarse)
{
	const int cw = (w + 1) / 2, ch = (h + 1) / 2;
	for (int y = 0; y < ch; y++) {
		const int up = 2 * y * w, down = 2 * y + 1 < h ? up + w : -1;
		for (int x = 0; x < cw; x++) {
			const int right = 2 * x + 1 < w;
			cell4 sum = known_of(fine, up + 2 * x);
			if (right)
				sum += known_of(fine, up + 2 * x + 1);
			if (down >= 0)
				sum += known_of(fine, down + 2 * x);
			if (right && down >= 0)
				sum += known_of(fine, down + 2 * x + 1);
			const int n = sum[3];
			if (n == 4)
				sum >>= 2;
			else if (n == 3)
				sum = (sum * 21846) >> 16;
			else if (n == 2)
				sum >>= 1;
			sum[3] = n > 0;
			*(cell4 *)(coarse + 4 * (y * cw + x)) = sum;
		}
	}
}

/* relax sets a cell that is not known, the x-th of its row, to the average of its
 * neighbours; up and down say where the rows above and below lie, 0 if there is none. */
INLINE void relax(int32_t *fine, int w, int i, int x, int up, int down)
{
	cell4 v = at(fine, i + up) + at(fine, i + down) + 2;
	if (x > 0 && x + 1 < w)
		v += at(fine, i + 1) + at(fine, i - 1);
	else
		v += at(fine, x + 1 < w ? i + 1 : i) + at(fine, x > 0 ? i - 1 : i);
	*(cell4 *)(fine + 4 * (int64_t)i) = (v >> 2) & (cell4){-1, -1, -1, 0};
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
		for (int k = 0, row = 0; k < unknown; row += w) { /* in the order of the rows */
			const int up = row > 0 ? -w : 0, down = row + w < w * h ? w : 0;
			for (; k < unknown && todo[k] < row + w; k++)
				relax(fine, w, todo[k], todo[k] - row, up, down);
		}
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
		const int16_t a = values[min(max(c, 0), cols - 1)], b = values[min(c + 1, cols - 1)];
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
INLINE void field_columns(uint8_t *out, int stride, int n, int h, struct run r, int based)
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
			store16(out + 16 * i, v);
			acc[i] += step[i];
		}
	}
}

/* field_tail paints h rows of n samples, fewer than a vector has. */
INLINE void field_tail(uint8_t *out, int stride, int n, int h, struct run r, const int16_t *share)
{
	const int round = 1 << (r.shift - 1);
	for (int x = 0; x < n; x++) {
		const int step = r.lower[x] - r.upper[x];
		int acc = r.upper[x] * r.cell + step * r.k + round;
		uint8_t *q = out + x;
		const uint8_t *base = r.base + (r.base_stride ? x : 0);
		if (!share[x])
			continue;
		for (int y = 0; y < h; y++, acc += step, q += stride, base += r.base_stride) {
			int v = (acc >> r.shift) + (r.base_stride ? *base : 0);
			v = v < 0 ? 0 : v > 255 ? 255 : v;
			*q = (uint8_t)(*q + (((v - *q) * share[x] + 2) >> 2));
		}
	}
}

#define PAINT_BITS 3
#define FULL 4
#define MAX_WORDS 128 /* of a row of blocks: MaxSize */
#define MAX_BANDS 8   /* in half a cell */

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

/* Rows of samples that have the same blocks. */
struct field_band {
	const uint64_t *row[FULL]; /* See shareMasks. */
	int h;
};

/* What fill_field works on: rows of samples between the same rows of cells. */
struct field_work {
	const struct redact_plane *p;
	const struct redact_layers *f;
	struct field_band bands[MAX_BANDS];
	int n;                    /* of bands */
	const uint64_t *any;      /* blocks of which the fill has some in any band, */
	const uint64_t *core;     /* and of which it has all in every band */
	uint64_t buf[2][MAX_WORDS];
	const uint64_t *known;    /* cells of the second layer */
	int per;                  /* log2 of the samples of a block */
	int16_t block_bit[16], cell_bit[16]; /* of 16 samples, which bit of theirs each has */
	int top, h, c;
	struct field_lines lines;
};

/* bits_of returns n bits of a row, which lie in one word. */
INLINE uint64_t bits_of(const uint64_t *row, int from, int n)
{
	return row[from / 64] >> (from % 64) & (~(uint64_t)0 >> (64 - n));
}

/* run_of returns what the samples from x on are painted with. */
INLINE struct run run_of(struct field_work *s, int layer, int x)
{
	const struct redact_layers *f = s->f;
	struct field_lines *l = &s->lines;
	if (!l->made[layer]) {
		const int16_t *v = f->values[layer];
		field_row(l->upper[layer], v + max(s->c, 0) * f->cols, f->cols, f->cell, f->shift, l->from, l->to);
		field_row(l->lower[layer], v + min(s->c + 1, f->rows - 1) * f->cols, f->cols, f->cell, f->shift, l->from, l->to);
		l->made[layer] = 1;
	}
	const int k = s->top - (s->c << f->shift) - f->cell / 2;
	struct run r = {l->upper[layer] + x, l->lower[layer] + x, s->p->pix, 0, f->cell, PAINT_BITS + f->shift, k};
	if (layer)
		r.base = f->base + (int64_t)s->top * f->base_stride + x, r.base_stride = f->base_stride;
	return r;
}

/* lanes_of sets all bits of the lanes of 16 samples whose bit is set. */
INLINE void lanes_of(words16 *lanes, uint64_t bits, const int16_t *bit)
{
	*lanes = (*(const words16 *)bit & (int16_t)bits) != 0;
}

/* field_mixed paints 16 samples of each row, mixed with what is there: shares are the
 * fill's part, in quarters, for each band. */
INLINE void field_mixed(const struct field_work *s, uint8_t *out, struct run r, int based, const words16 *shares)
{
	const int stride = s->p->stride;
	const words16 u = *(const words16 *)r.upper, step = *(const words16 *)r.lower - u;
	words16 acc = u * (int16_t)r.cell + step * (int16_t)r.k + (int16_t)(1 << (r.shift - 1));
	const uint8_t *base = r.base;
	for (int i = 0; i < s->n; i++) {
		const words16 share = shares[i];
		for (int y = 0; y < s->bands[i].h; y++, out += stride, base += r.base_stride, acc += step) {
			words16 v = acc >> r.shift;
			if (based)
				v += __builtin_convertvector(*(const bytes16 *)base, words16);
			const words16 is = __builtin_convertvector(*(const bytes16 *)out, words16);
			const words16 over = v > 255;
			v = (v & (v > 0) & ~over) | (over & 255);
			store16(out, is + (((v - is) * share + 2) >> 2));
		}
	}
}

/* field_chunk paints 16 samples of each row from x on, or those that the row has,
 * whatever the blocks there are. */
INLINE void field_chunk(struct field_work *s, int x)
{
	const struct redact_plane *p = s->p;
	const struct redact_layers *f = s->f;
	words16 shares[MAX_BANDS], mine[MAX_BANDS], lanes;
	for (int n = 0; n < s->n; n++) {
		words16 share = {0};
		for (int i = 0; i < FULL; i++) {
			lanes_of(&lanes, bits_of(s->bands[n].row[i], x >> s->per, 16 >> s->per), s->block_bit);
			share -= lanes;
		}
		shares[n] = share;
	}
	const uint64_t all = ~(uint64_t)0 >> (64 - (16 >> f->shift));
	const uint64_t known = bits_of(s->known, x >> f->shift, 16 >> f->shift);
	for (int layer = 0; layer < 2; layer++) {
		if (known == (layer ? 0 : all))
			continue;
		struct run r = run_of(s, layer, x);
		lanes_of(&lanes, layer ? known : ~known, s->cell_bit);
		for (int n = 0; n < s->n; n++)
			mine[n] = shares[n] & lanes;
		uint8_t *out = p->pix + (int64_t)s->top * p->stride + x;
		if (x + 16 <= p->w) {
			if (layer)
				field_mixed(s, out, r, 1, mine);
			else
				field_mixed(s, out, r, 0, mine);
			continue;
		}
		for (int n = 0; n < s->n; n++) {
			const int h = s->bands[n].h;
			field_tail(out, p->stride, p->w - x, h, r, (const int16_t *)&mine[n]);
			out += h * p->stride, r.base += (int64_t)h * r.base_stride, r.k += h;
		}
	}
}

/* field_core paints n vectors of which all rows are hidden, if one layer has them all. */
INLINE int field_core(struct field_work *s, int x, int n)
{
	const struct redact_plane *p = s->p;
	const struct redact_layers *f = s->f;
	const int blocks = n * 16 >> s->per, cells = n * 16 >> f->shift;
	if (x % (n * 16) || x + n * 16 > p->w ||
	    bits_of(s->core, x >> s->per, blocks) != ~(uint64_t)0 >> (64 - blocks))
		return 0;
	const uint64_t known = bits_of(s->known, x >> f->shift, cells);
	uint8_t *out = p->pix + (int64_t)s->top * p->stride + x;
	if (known == 0)
		field_columns(out, p->stride, n, s->h, run_of(s, 0, x), 0);
	else if (known == ~(uint64_t)0 >> (64 - cells))
		field_columns(out, p->stride, n, s->h, run_of(s, 1, x), 1);
	else
		return 0;
	return 1;
}

/* field_rows paints the blocks of s->any in the samples from x to before right. */
INLINE void field_rows(struct field_work *s, int x, int right)
{
	while (x < right) {
		if (field_core(s, x, 4)) {
			x += 64;
			continue;
		}
		if (!field_core(s, x, 1))
			field_chunk(s, x);
		x += 16;
	}
}

/* band_at sets the rows of blocks of row y, and returns the end of the rows, up to hi,
 * that have the same. */
INLINE int band_at(struct field_band *b, const struct redact_share_masks *c, int y, int hi)
{
	static const uint64_t none[MAX_WORDS];
	for (int i = 0; i < FULL; i++) {
		const struct redact_mask *m = &c->of[i];
		b->row[i] = none;
		if (y >= m->hi)
			continue;
		if (y < m->lo) {
			hi = min(hi, m->lo);
			continue;
		}
		b->row[i] = band_of(m, y);
		hi = min(hi, band_end(m, y));
	}
	return hi;
}

/* bands_of sets the bands of rows y to before hi. */
INLINE void bands_of(struct field_work *s, const struct redact_share_masks *c, int y, int hi)
{
	const int words = c->of[0].words, block = s->p->block;
	s->n = 0;
	for (int next; y < hi; y = next) {
		struct field_band *b = &s->bands[s->n++];
		next = band_at(b, c, y, hi);
		b->h = min(next * block, s->p->h) - y * block;
	}
	s->core = s->bands[0].row[0], s->any = s->bands[0].row[FULL - 1];
	for (int n = 1; n < s->n; n++) {
		const uint64_t *core = s->bands[n].row[0], *any = s->bands[n].row[FULL - 1];
		for (int i = 0; i < words; i++) {
			s->buf[0][i] = s->core[i] & core[i];
			s->buf[1][i] = s->any[i] | any[i];
		}
		s->core = s->buf[0], s->any = s->buf[1];
	}
}

CLONES
void redact_fill_field(struct redact_plane p, struct redact_share_masks c, struct redact_layers f)
{
	static const uint64_t none[MAX_WORDS];
	const int words = c.of[0].words, half = f.cell / 2;
	struct field_work s;
	s.p = &p, s.f = &f, s.per = p.block == 2, s.lines.between = -2;
	for (int i = 0; i < 2; i++) {
		s.lines.upper[i] = f.line + 2 * i * f.half + PAD;
		s.lines.lower[i] = s.lines.upper[i] + f.half;
	}
	for (int i = 0; i < 16; i++)
		s.block_bit[i] = (int16_t)(1 << (i >> s.per)), s.cell_bit[i] = (int16_t)(1 << (i >> f.shift));
	const int hi = c.of[FULL - 1].hi;
	int lo = c.of[FULL - 1].lo;
	const int bottom = min(hi * p.block, p.h);
	for (int end; (s.top = lo * p.block) < bottom; lo = end / p.block) {
		/* Up to the next centre or border of the cells. */
		end = min((s.top / half + 1) * half, hi * p.block);
		bands_of(&s, &c, lo, end / p.block);
		int a, b = 0;
		if (!next_span(s.any, words, 0, &a, &b)) {
			if (s.n == 1) /* between masked runs */
				end = band_end(&c.of[FULL - 1], lo) * p.block;
			continue;
		}
		const int in = s.top >> f.shift;
		s.c = ((s.top + half) >> f.shift) - 1;
		s.h = min(end, p.h) - s.top;
		s.known = in >= f.known.lo && in < f.known.hi ? band_of(&f.known, in) : none;
		/* Whole vectors. */
		const int left = a * p.block & ~15, right = (row_end(s.any, words) * p.block + 15) & ~15;
		field_lines_for(&s.lines, s.c, left, right, (p.w + 15) & ~15);
		for (int x = left; next_span(s.any, words, x >> s.per, &a, &b);) {
			x = max(a * p.block & ~15, x);
			field_rows(&s, x, b * p.block);
			x = (b * p.block + 15) & ~15;
		}
	}
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
void redact_grow(struct redact_mask m, struct redact_mask tmp, int w)
{
	const int words = m.words;
	const uint64_t last = w % 64 ? ~(uint64_t)0 >> (64 - w % 64) : ~(uint64_t)0;
	for (int y = tmp.lo; y < tmp.hi; y = band_end(&tmp, y)) {
		grow_row(tmp.bits + (int64_t)y * words, m.bits + (int64_t)y * words, words);
		tmp.bits[(int64_t)y * words + words - 1] &= last;
	}
	for (int y = m.lo; y < m.hi; y = band_end(&m, y)) {
		uint64_t *restrict dst = m.bits + (int64_t)y * words;
		const uint64_t *is = band_of(&tmp, min(max(y, tmp.lo), tmp.hi - 1));
		const uint64_t *up = band_of(&tmp, max(y - 1, tmp.lo)), *down = band_of(&tmp, min(y + 1, tmp.hi - 1));
		for (int i = 0; i < words; i++)
			dst[i] = is[i] | up[i] | down[i];
	}
}
