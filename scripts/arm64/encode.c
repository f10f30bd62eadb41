/* Encodes raw 4:2:0 pictures with libx264 and throws the stream away, to time a
 * picture or to count its instructions.
 *
 *   encode PRESET TUNE WIDTHxHEIGHT FRAMES FILE
 *
 * A PRESET with the tune zerolatency is set as the doorbell's encoder is
 * (examples/internal/encoder/x264.go): 4 Mbit/s, no key picture but the first.
 * With the tune - it is what the x264 program does by default. The file's pictures are shown
 * forwards and backwards in turn where FRAMES is more than it holds. Prints
 * "time PRESET-WIDTHxHEIGHT NANOSECONDS": processor time of all threads for a picture, all
 * but the first; loading and the first are in no count if two runs, whose FRAMES
 * differ, are subtracted. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x264.h>

static void die(const char *what)
{
	fprintf(stderr, "encode: %s\n", what);
	exit(1);
}

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	x264_param_t p;
	int w, h, frames;
	if (argc != 6 || sscanf(argv[3], "%dx%d", &w, &h) != 2 || (frames = atoi(argv[4])) < 2)
		die("needs PRESET TUNE WIDTHxHEIGHT FRAMES FILE, and at least two frames");
	int live = strcmp(argv[2], "-");
	if (x264_param_default_preset(&p, argv[1], live ? argv[2] : 0) < 0)
		die("no such preset or tune");
	p.i_log_level = X264_LOG_NONE;
	p.i_width = w;
	p.i_height = h;
	p.i_csp = X264_CSP_I420;
	p.i_fps_num = 25;
	p.i_fps_den = 1;
	if (live) {
		p.i_keyint_max = 1 << 30;
		p.rc.i_rc_method = X264_RC_ABR;
		p.rc.i_bitrate = 4000;
		p.b_repeat_headers = 1;
		p.b_annexb = 1;
	}
	x264_param_apply_profile(&p, "high");
	x264_t *x = x264_encoder_open(&p);
	if (!x)
		die("x264 does not open");

	size_t size = (size_t)w * h * 3 / 2;
	FILE *f = fopen(argv[5], "rb");
	if (!f)
		die("cannot open the file");
	fseek(f, 0, SEEK_END);
	int held = ftell(f) / size;
	rewind(f);
	uint8_t *all = malloc(held * size);
	if (held < 1 || !all || fread(all, size, held, f) != (size_t)held)
		die("the file holds no picture of that size");

	x264_picture_t in, out;
	x264_nal_t *nal;
	int nals;
	int64_t start = 0;
	for (int i = 0; i < frames; i++) {
		int at = held > 1 ? i % (2 * held - 2) : 0;
		at = at < held ? at : 2 * held - 2 - at;
		x264_picture_init(&in);
		in.img.i_csp = X264_CSP_I420;
		in.img.i_plane = 3;
		in.img.plane[0] = all + at * size;
		in.img.plane[1] = in.img.plane[0] + (size_t)w * h;
		in.img.plane[2] = in.img.plane[1] + (size_t)w * h / 4;
		in.img.i_stride[0] = w;
		in.img.i_stride[1] = in.img.i_stride[2] = w / 2;
		in.i_pts = i;
		if (x264_encoder_encode(x, &nal, &nals, &in, &out) < 0)
			die("x264 fails");
		if (!i)
			start = now();
	}
	while (x264_encoder_delayed_frames(x))
		if (x264_encoder_encode(x, &nal, &nals, 0, &out) < 0)
			die("x264 fails");
	printf("time %s-%s %lld\n", argv[1], argv[3], (long long)(now() - start) / (frames - 1));
	x264_encoder_close(x);
	free(all);
	return 0;
}
