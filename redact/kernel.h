//go:build cgo

#include <stdint.h>

/* One plane of a picture. */
struct redact_plane {
	uint8_t *pix;
	int stride, w, h; /* in samples */
	int block;        /* side of a block in samples */
};

/* See blockMask. */
struct redact_mask {
	uint64_t *bits, *starts;
	int words;  /* of 64 bits per row */
	int lo, hi; /* rows of blocks that may have any */
};

/* See sumCellsGo. */
void redact_sum_cells(struct redact_plane p, struct redact_mask m, const uint8_t *need,
                      int cols, int n, uint32_t *sums, uint32_t *counts);

/* See fillFrostGo. */
void redact_fill_frost(struct redact_plane p, struct redact_mask m, const uint8_t *values,
                       int cols, int rows, int cell, uint16_t *line);

/* See shareMasks. */
struct redact_share_masks {
	struct redact_mask of[4];
};

/* See fieldLayers. */
struct redact_layers {
	struct redact_mask known;
	int cols, rows, cell, shift; /* shift: of cell, as a power of two */
	const uint8_t *base;
	int base_stride;
	const int16_t *values[2];
	int16_t *line; /* of 4 * half words */
	int half;
};

/* See fillFieldGo. */
void redact_fill_field(struct redact_plane p, struct redact_share_masks c, struct redact_layers f);

/* See pullGo and pushGo. */
void redact_pull(const int32_t *fine, int w, int h, int32_t *coarse);
void redact_push(int32_t *fine, int w, int h, const int32_t *coarse, int32_t *todo, int sweeps);

/* See growGo. */
void redact_grow(struct redact_mask m, struct redact_mask tmp, int w);
