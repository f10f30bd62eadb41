//go:build cgo

#include <stdint.h>

/* One plane of a picture and the set of its blocks to work on. */
struct redact_plane {
	int stride, w, h; /* in samples */
	int block;        /* side of a block in samples */
	int words, rows;  /* of the block set: 64-bit words per row, rows */
};

/* See sumCellsGo. */
void redact_sum_cells(struct redact_plane p, const uint8_t *pix, const uint64_t *blocks,
                      const uint8_t *need, int cols, int n, uint32_t *sums, uint32_t *counts);

/* See fillFrostGo. */
void redact_fill_frost(struct redact_plane p, uint8_t *pix, const uint64_t *blocks,
                       const uint8_t *values, int cols, int rows, int cell, uint16_t *line);
