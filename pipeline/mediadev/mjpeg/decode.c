#include "decode.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

struct mjpeg_decoder {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf failed;
	int damaged;
	char text[JMSG_LENGTH_MAX];
};

/* libjpeg's own handler ends the process. */
static void on_error(j_common_ptr jpeg)
{
	struct mjpeg_decoder *d = jpeg->client_data;
	jpeg->err->format_message(jpeg, d->text);
	longjmp(d->failed, 1);
}

/* A warning means that samples were made up. Only bytes that are skipped
   between segments, which some cameras write, do no harm. */
static void on_message(j_common_ptr jpeg, int level)
{
	struct mjpeg_decoder *d = jpeg->client_data;
	if (level >= 0 || jpeg->err->msg_code == JWRN_EXTRANEOUS_DATA)
		return;
	if (!d->damaged)
		jpeg->err->format_message(jpeg, d->text);
	d->damaged = 1;
}

static void on_output(j_common_ptr jpeg)
{
	(void)jpeg;
}

struct mjpeg_decoder *mjpeg_new(void)
{
	return calloc(1, sizeof(struct mjpeg_decoder));
}

void mjpeg_free(struct mjpeg_decoder *d)
{
	free(d);
}

const char *mjpeg_error(const struct mjpeg_decoder *d)
{
	return d->text;
}

/* finish ends work on a picture. libjpeg would keep its tables for the next
   one, which may not have any of its own. */
static int finish(struct mjpeg_decoder *d, int rc)
{
	jpeg_destroy_decompress(&d->jpeg);
	return rc;
}

static int refuse(struct mjpeg_decoder *d, int rc, const char *why)
{
	snprintf(d->text, sizeof d->text, "%s", why);
	return rc;
}

static void prepare(struct mjpeg_decoder *d)
{
	memset(&d->jpeg, 0, sizeof d->jpeg);
	d->jpeg.err = jpeg_std_error(&d->errors);
	d->errors.error_exit = on_error;
	d->errors.emit_message = on_message;
	d->errors.output_message = on_output;
	d->jpeg.client_data = d;
	d->damaged = 0;
	d->text[0] = 0;
}

/* open_picture reads the header; the caller has called prepare and set
   d->failed. */
static int open_picture(struct mjpeg_decoder *d, const uint8_t *data, size_t n, struct mjpeg_info *info)
{
	struct jpeg_decompress_struct *j = &d->jpeg;
	jpeg_create_decompress(j);
	j->client_data = d;
	jpeg_mem_src(j, (unsigned char *)data, n);
	jpeg_read_header(j, TRUE);
	memset(info, 0, sizeof *info);
	info->w = j->image_width;
	info->h = j->image_height;
	if (j->data_precision != 8 || j->arith_code)
		return refuse(d, MJPEG_UNSUPPORTED, "not 8 bits with Huffman coding");
	/* Several scans need memory and time that have little to do with the size
	   of the picture; cameras write one. */
	if (j->progressive_mode || j->comps_in_scan != j->num_components)
		return refuse(d, MJPEG_UNSUPPORTED, "more than one scan");
	jpeg_component_info *c = j->comp_info;
	int mcu_w = j->max_h_samp_factor * DCTSIZE, mcu_h = j->max_v_samp_factor * DCTSIZE;
	int cols = (info->w + mcu_w - 1) / mcu_w, rows = (info->h + mcu_h - 1) / mcu_h;
	info->stride[0] = cols * mcu_w;
	info->rows[0] = rows * mcu_h;
	if (j->num_components == 1 && j->jpeg_color_space == JCS_GRAYSCALE)
		return MJPEG_OK;
	if (j->num_components != 3 || j->jpeg_color_space != JCS_YCbCr)
		return refuse(d, MJPEG_UNSUPPORTED, "not YCbCr");
	if (c[1].h_samp_factor != c[2].h_samp_factor || c[1].v_samp_factor != c[2].v_samp_factor ||
	    c[0].h_samp_factor != j->max_h_samp_factor || c[0].v_samp_factor != j->max_v_samp_factor ||
	    c[0].h_samp_factor % c[1].h_samp_factor || c[0].v_samp_factor % c[1].v_samp_factor)
		return refuse(d, MJPEG_UNSUPPORTED, "unusual sampling factors");
	info->hs = c[0].h_samp_factor / c[1].h_samp_factor;
	info->vs = c[0].v_samp_factor / c[1].v_samp_factor;
	info->stride[1] = cols * c[1].h_samp_factor * DCTSIZE;
	info->rows[1] = rows * c[1].v_samp_factor * DCTSIZE;
	return MJPEG_OK;
}

int mjpeg_header(struct mjpeg_decoder *d, const uint8_t *data, size_t n, size_t max_pixels, struct mjpeg_info *info)
{
	prepare(d);
	if (setjmp(d->failed))
		return finish(d, MJPEG_DAMAGED);
	int rc = open_picture(d, data, n, info);
	if (rc == MJPEG_OK && (size_t)info->w * (size_t)info->h > max_pixels)
		rc = refuse(d, MJPEG_TOO_LARGE, "too many pixels");
	return finish(d, rc);
}

int mjpeg_decode(struct mjpeg_decoder *d, const uint8_t *data, size_t n, struct mjpeg_info info,
                 uint8_t *y, uint8_t *cb, uint8_t *cr)
{
	struct jpeg_decompress_struct *j = &d->jpeg;
	struct mjpeg_info now;
	JSAMPROW lines[3][4 * DCTSIZE];
	JSAMPARRAY planes[3] = { lines[0], lines[1], lines[2] };
	uint8_t *const start[3] = { y, cb, cr };

	prepare(d);
	if (setjmp(d->failed))
		return finish(d, MJPEG_DAMAGED);
	int rc = open_picture(d, data, n, &now);
	if (rc != MJPEG_OK)
		return finish(d, rc);
	if (memcmp(&now, &info, sizeof now) != 0)
		return finish(d, refuse(d, MJPEG_DAMAGED, "data changed while it was decoded"));
	j->raw_data_out = TRUE;
	j->out_color_space = j->jpeg_color_space;
	jpeg_start_decompress(j);
	int parts = now.hs ? 3 : 1;
	while (j->output_scanline < j->output_height) {
		/* One row of MCUs at a time. */
		int mcu = (int)j->output_scanline / (j->max_v_samp_factor * DCTSIZE);
		for (int i = 0; i < parts; i++) {
			int k = i > 0, count = j->comp_info[i].v_samp_factor * DCTSIZE;
			for (int r = 0; r < count; r++)
				lines[i][r] = start[i] + (size_t)(mcu * count + r) * (size_t)now.stride[k];
		}
		if (jpeg_read_raw_data(j, planes, (JDIMENSION)(j->max_v_samp_factor * DCTSIZE)) == 0)
			return finish(d, refuse(d, MJPEG_DAMAGED, "it ends too early"));
	}
	jpeg_finish_decompress(j);
	return finish(d, d->damaged ? MJPEG_DAMAGED : MJPEG_OK);
}
