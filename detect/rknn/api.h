// What this package calls of librknnrt.so, declared from the API reference of Rockchip's
// RKNN SDK 2.3 (names of fields, order, types and values; nothing is copied from its
// header, whose licence does not allow that). The sizes are those of 64-bit Linux.
#include <stddef.h>
#include <stdint.h>

typedef uint64_t hedge_context;

enum { hedge_query_counts = 0, hedge_query_input = 1, hedge_query_output = 2 };
enum { hedge_float32 = 0, hedge_int8 = 2, hedge_uint8 = 3 };
enum { hedge_nchw = 0, hedge_nhwc = 1, hedge_undefined = 3 };
enum { hedge_affine = 2 };

typedef struct {
	uint32_t inputs, outputs;
} hedge_counts;

typedef struct {
	uint32_t index, n_dims, dims[16];
	char name[256];
	uint32_t n_elems, size;
	int32_t format, type, quantisation;
	int8_t fraction;
	int32_t zero_point;
	float scale;
	uint32_t width_stride, size_with_stride;
	uint8_t pass_through;
	uint32_t height_stride;
} hedge_attr;

typedef struct {
	uint32_t index;
	void *buf;
	uint32_t size;
	uint8_t pass_through;
	int32_t type, format;
} hedge_input;

typedef struct {
	uint8_t want_float, preallocated;
	uint32_t index;
	void *buf;
	uint32_t size;
} hedge_output;

_Static_assert(sizeof(hedge_attr) == 376 && offsetof(hedge_attr, n_elems) == 328 && offsetof(hedge_attr, zero_point) == 352, "rknn_tensor_attr");
_Static_assert(sizeof(hedge_input) == 32 && offsetof(hedge_input, type) == 24, "rknn_input");
_Static_assert(sizeof(hedge_output) == 24 && offsetof(hedge_output, buf) == 8, "rknn_output");
