/* A qemu user-mode plugin that counts executed instructions by function and
 * section. A section ends with each call of the Go function main.mark.
 *
 *   gcc -O2 -shared -fPIC count.c -o count.so
 *   qemu-aarch64 -plugin count.so,out=FILE PROGRAM
 *
 * writes a line "insn SECTION COUNT FUNCTION" to FILE for each function of each
 * section. Functions are those of the program's symbol table; all others (of
 * shared libraries) count as one, whose name is "-".
 *
 * A translation block is counted whole when it is entered. It ends at a branch,
 * so that only faults make a difference.
 *
 * The plugin interface, version 1 (qemu 4.2 to 8.2), is declared here because
 * Debian has no header of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t id_t_;
struct block;
struct insn;
void qemu_plugin_register_vcpu_tb_trans_cb(id_t_, void (*)(id_t_, struct block *));
void qemu_plugin_register_vcpu_tb_exec_cb(struct block *, void (*)(unsigned, void *), int flags, void *);
void qemu_plugin_register_atexit_cb(id_t_, void (*)(id_t_, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct block *);
struct insn *qemu_plugin_tb_get_insn(const struct block *, size_t);
const char *qemu_plugin_insn_symbol(const struct insn *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { SECTIONS = 64, SLOTS = 1 << 15 };

struct function {
	const char *name;
	uint64_t count[SECTIONS];
};

/* What is known of a translation block when it runs. */
struct entry {
	struct function *function;
	uint64_t insns;
	int marks;
};

static struct function functions[SLOTS];
static int section;
static const char *out_path;

static struct function *find(const char *name)
{
	uint32_t h = 2166136261u;
	for (const char *p = name; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	for (int i = 0; i < SLOTS; i++) {
		struct function *f = &functions[(h + i) % SLOTS];
		if (!f->name)
			f->name = name;
		if (f->name == name || !strcmp(f->name, name))
			return f;
	}
	fputs("count: too many functions\n", stderr);
	exit(1);
}

static void executed(unsigned vcpu, void *data)
{
	const struct entry *e = data;
	(void)vcpu;
	__atomic_fetch_add(&e->function->count[section], e->insns, __ATOMIC_RELAXED);
	if (e->marks && section + 1 < SECTIONS)
		section++;
}

/* Runs under qemu's translation lock. */
static void translated(id_t_ id, struct block *b)
{
	(void)id;
	const char *name = qemu_plugin_insn_symbol(qemu_plugin_tb_get_insn(b, 0));
	struct entry *e = malloc(sizeof *e);
	if (!e) {
		fputs("count: out of memory\n", stderr);
		exit(1);
	}
	e->function = find(name && *name ? name : "-");
	e->insns = qemu_plugin_tb_n_insns(b);
	e->marks = name && !strcmp(name, "main.mark");
	qemu_plugin_register_vcpu_tb_exec_cb(b, executed, 0, e);
}

static void finished(id_t_ id, void *data)
{
	(void)id;
	(void)data;
	FILE *f = fopen(out_path, "w");
	if (!f) {
		perror(out_path);
		return;
	}
	for (int s = 0; s <= section; s++)
		for (int i = 0; i < SLOTS; i++)
			if (functions[i].count[s])
				fprintf(f, "insn %d %llu %s\n", s, (unsigned long long)functions[i].count[s], functions[i].name);
	if (fclose(f))
		perror(out_path);
}

__attribute__((visibility("default"))) int qemu_plugin_install(id_t_ id, const void *info, int argc, char **argv)
{
	(void)info;
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("count: needs out=FILE\n", stderr);
		return 1;
	}
	out_path = strdup(argv[0] + 4);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finished, 0);
	return 0;
}
