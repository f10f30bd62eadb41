#include <stddef.h>
#include <stdint.h>

struct mjpeg_decoder;

/* What a JPEG's header says. */
struct mjpeg_info {
	int w, h;       /* picture, in pixels */
	int stride[2];  /* of luma and of chroma: whole MCUs, in samples */
	int rows[2];    /* of luma and of chroma: whole MCUs */
	int hs, vs;     /* luma samples per chroma sample, across and down; 0 if grey */
};

enum { MJPEG_OK, MJPEG_DAMAGED, MJPEG_UNSUPPORTED, MJPEG_TOO_LARGE };

/* mjpeg_new returns NULL when there is no memory. */
struct mjpeg_decoder *mjpeg_new(void);
void mjpeg_free(struct mjpeg_decoder *d);

/* mjpeg_error is what the last call had to say when it did not return MJPEG_OK. */
const char *mjpeg_error(const struct mjpeg_decoder *d);

/* mjpeg_header reads the header. */
int mjpeg_header(struct mjpeg_decoder *d, const uint8_t *data, size_t n, size_t max_pixels, struct mjpeg_info *info);

/* mjpeg_decode writes the planes, which have the strides and rows that
   mjpeg_header gave for the same data. cb and cr are not used if it is grey. */
int mjpeg_decode(struct mjpeg_decoder *d, const uint8_t *data, size_t n, struct mjpeg_info info,
                 uint8_t *y, uint8_t *cb, uint8_t *cr);
