// A librknnrt.so that computes nothing: the "model" is its own list of tensors and what
// they hold. For the input that the model names it gives the outputs that follow, for any
// other zeros. It minds the order of calls, and has room for four contexts.
#include "../api.h"
#include <stdlib.h>
#include <string.h>

typedef struct {
	char magic[4];                  // "fake"
	int32_t step, code;             // which call fails, counted from 1, and with what
	hedge_counts counts;            // then hedge_attr of all, the input's bytes, the outputs'
} head;

typedef struct {
	char *model;
	uint32_t size;
	int set, known, ran, held;
} context;

static context *all[4];

static head *head_of(context *c) { return (head *)c->model; }
static hedge_attr *attrs(context *c) { return (hedge_attr *)(c->model + sizeof(head)); }
static int fails(context *c, int step) { return head_of(c)->step == step ? head_of(c)->code : 0; }

static context *get(hedge_context c) { return c >= 1 && c <= 4 ? all[c - 1] : 0; }

int rknn_init(hedge_context *out, void *model, uint32_t size, uint32_t flag, void *extend) {
	int i = 0;
	if (size < sizeof(head) || memcmp(model, "fake", 4) || flag || extend)
		return -6;
	if (((head *)model)->step == 1)
		return ((head *)model)->code;
	while (i < 4 && all[i])
		i++;
	if (i == 4)
		return -4;
	all[i] = calloc(1, sizeof(context));
	all[i]->model = malloc(size);
	all[i]->size = size;
	memcpy(all[i]->model, model, size);
	*out = i + 1;
	return 0;
}

int rknn_destroy(hedge_context h) {
	context *c = get(h);
	if (!c)
		return -7;
	int code = fails(c, 6);
	free(c->model);
	free(c);
	all[h - 1] = 0;
	return code;
}

int rknn_query(hedge_context h, int what, void *info, uint32_t size) {
	context *c = get(h);
	if (!c)
		return -7;
	if (fails(c, 2))
		return fails(c, 2);
	if (what == hedge_query_counts && size == sizeof(hedge_counts)) {
		memcpy(info, &head_of(c)->counts, size);
		return 0;
	}
	uint32_t i = ((hedge_attr *)info)->index, n = head_of(c)->counts.inputs;
	if (size != sizeof(hedge_attr) || i >= (what == hedge_query_input ? n : head_of(c)->counts.outputs))
		return -5;
	memcpy(info, attrs(c) + i + (what == hedge_query_input ? 0 : n), size);
	return 0;
}

static char *data(context *c) { return (char *)(attrs(c) + head_of(c)->counts.inputs + head_of(c)->counts.outputs); }

int rknn_inputs_set(hedge_context h, uint32_t n, hedge_input *in) {
	context *c = get(h);
	if (!c || c->held)
		return -7;
	if (fails(c, 3))
		return fails(c, 3);
	if (n != 1 || in->type != hedge_uint8 || in->format != hedge_nhwc || in->pass_through || in->size != attrs(c)->n_elems)
		return -8;
	c->set = 1;
	c->known = !memcmp(in->buf, data(c), in->size);
	return 0;
}

int rknn_run(hedge_context h, void *extend) {
	context *c = get(h);
	if (!c || extend || !c->set)
		return -8;
	c->ran = !fails(c, 4);
	return fails(c, 4);
}

int rknn_outputs_get(hedge_context h, uint32_t n, hedge_output *out, void *extend) {
	context *c = get(h);
	if (!c || extend || !c->ran || n != head_of(c)->counts.outputs)
		return -9;
	if (fails(c, 5))
		return fails(c, 5);
	char *from = data(c) + attrs(c)->n_elems;
	for (uint32_t i = 0; i < n; i++) {
		hedge_attr *a = attrs(c) + 1 + i;
		uint32_t width = a->type == hedge_int8 ? 1 : 4;
		if (out[i].index != i || !out[i].preallocated || out[i].want_float != (width == 4) || out[i].size != width * a->n_elems)
			return -9;
		if (c->known)
			memcpy(out[i].buf, from, out[i].size);
		else
			memset(out[i].buf, width == 1 ? a->zero_point : 0, out[i].size);
		from += out[i].size;
	}
	c->ran = 0;
	c->held = 1;
	return 0;
}

int rknn_outputs_release(hedge_context h, uint32_t n, hedge_output *out) {
	context *c = get(h);
	(void)n, (void)out;
	if (!c || !c->held)
		return -9;
	c->held = 0;
	return 0;
}
