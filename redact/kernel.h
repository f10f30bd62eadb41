//go:build cgo

#include <stdint.h>

/* One plane of a picture and the set of its blocks to work on. */
struct redact_plane {
	int stride, w, h; /* in samples */
	int block;        /* side of a block in samples */
	int words;        /* of the block set: 64-bit words per row */
	int lo, hi;       /* rows of blocks that may have any */
};

/* See sumCellsGo. */
void redact_sum_cells(struct redact_plane p, const uint8_t *pix, const uint64_t *blocks,
                      const uint8_t *need, int cols, int n, uint32_t *sums, uint32_t *counts);

/* See fillFrostGo. */
void redact_fill_frost(struct redact_plane p, uint8_t *pix, const uint64_t *blocks,
                       const uint8_t *values, int cols, int rows, int cell, uint16_t *line);

/* See fieldLayers. */
struct redact_layers {
	const uint64_t *known;
	int known_words;
	int cols, rows, cell, shift; /* shift: of cell, as a power of two */
	const uint8_t *base;
	int base_stride;
	const int16_t *values[2];
	int16_t *line; /* of 4 * half words */
	int half;
};

/* See fillFieldGo. */
void redact_fill_field(struct redact_plane p, uint8_t *pix, const uint64_t *blocks,
                       struct redact_layers f, int share);

/* See pullGo and pushGo. */
void redact_pull(const int32_t *fine, int w, int h, int32_t *coarse);
void redact_push(int32_t *fine, int w, int h, const int32_t *coarse, int32_t *todo, int sweeps);

/* See growGo. */
void redact_grow(uint64_t *bits, uint64_t *tmp, int words, int w, int rows, int lo, int hi);
