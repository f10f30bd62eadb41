package onnx

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	ort "github.com/yalue/onnxruntime_go"
)

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

// The head of ONNX Runtime's OrtApiBase, which its ABI keeps as it is.
typedef struct {
	const void *(*get_api)(unsigned version);
	const char *(*version)(void);
} hedge_api_base;

static const char *hedge_ort_version(void *sym) {
	const hedge_api_base *base = ((const hedge_api_base *(*)(void))sym)();
	return base && base->version ? base->version() : 0;
}
*/
import "C"

// The oldest ONNX Runtime whose C API (24) the Go binding can use.
const minMajor, minMinor = 1, 24

// ErrNotLoaded is returned by Open before a successful Load.
var ErrNotLoaded = errors.New("onnx: the ONNX Runtime library is not loaded: call networks.Load, which finds it, or onnx.Load with its path first")

// LibraryError says why a shared library cannot be used.
type LibraryError struct {
	// Path is the library asked for.
	Path string
	// Version is what it says it is, empty if it does not get that far.
	Version string
	// Reason is what is wrong.
	Reason string
}

func (e *LibraryError) Error() string {
	return fmt.Sprintf("onnx: cannot use ONNX Runtime library %q: %s; "+
		"set HEDGE_ORT_LIB to libonnxruntime.so of version %d.%d or newer, or run `make setup`, which fetches one",
		e.Path, e.Reason, minMajor, minMinor)
}

// noTelemetry is the environment variable without which ONNX Runtime 1.30, when it
// is initialised and before its API can forbid it, makes a device id and a
// database of events in the user's cache folder.
const noTelemetry = "ORT_DISABLE_TELEMETRY"

var library struct {
	sync.Mutex
	path    string
	version string
}

// Load loads ONNX Runtime from the shared library at path, for the life of the
// process, with its telemetry off: it sets ORT_DISABLE_TELEMETRY=1 in the process's
// environment. A second call with the same path does nothing; one with another path
// fails, since a process has one runtime. The error is a [*LibraryError] if the
// library is missing, is none, or is too old; Load may then be tried again.
func Load(path string) error {
	library.Lock()
	defer library.Unlock()
	if library.path != "" {
		if library.path == path {
			return nil
		}
		return fmt.Errorf("onnx: ONNX Runtime is already loaded from %q, cannot load %q too", library.path, path)
	}
	if err := os.Setenv(noTelemetry, "1"); err != nil {
		return fmt.Errorf("onnx: switch telemetry off: %w", err)
	}
	version, err := probe(path)
	if err != nil {
		return err
	}
	ort.SetSharedLibraryPath(path)
	// Messages come back as errors: nothing but a fatal one is also printed.
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return &LibraryError{path, version, err.Error()}
	}
	if err := ort.DisableTelemetry(); err != nil {
		return errors.Join(&LibraryError{path, version, "telemetry cannot be switched off: " + err.Error()}, ort.DestroyEnvironment())
	}
	library.path, library.version = path, version
	return nil
}

// Version returns the version of the library that Load loaded, or "".
func Version() string {
	library.Lock()
	defer library.Unlock()
	return library.version
}

// probe looks at the library before the binding does, which for one that is too
// old neither names the version nor keeps ONNX Runtime from printing.
func probe(path string) (version string, err error) {
	if path == "" {
		return "", &LibraryError{Reason: "no path given"}
	}
	// A bare name is looked for by the loader; a path must exist.
	if strings.ContainsRune(path, os.PathSeparator) {
		if fi, err := os.Stat(path); err != nil {
			return "", &LibraryError{Path: path, Reason: strings.TrimPrefix(err.Error(), "stat "+path+": ")}
		} else if fi.IsDir() {
			return "", &LibraryError{Path: path, Reason: "it is a folder"}
		}
	}
	name, sym := C.CString(path), C.CString("OrtGetApiBase")
	defer C.free(unsafe.Pointer(name))
	defer C.free(unsafe.Pointer(sym))
	handle := C.dlopen(name, C.RTLD_LAZY)
	if handle == nil {
		return "", &LibraryError{Path: path, Reason: C.GoString(C.dlerror())}
	}
	fail := func(reason string) (string, error) {
		C.dlclose(handle)
		return "", &LibraryError{Path: path, Version: version, Reason: reason}
	}
	base := C.dlsym(handle, sym)
	if base == nil {
		return fail("it is not ONNX Runtime (no OrtGetApiBase)")
	}
	v := C.hedge_ort_version(base)
	if v == nil {
		return fail("it does not tell its version")
	}
	version = C.GoString(v)
	if !newEnough(version) {
		return fail(fmt.Sprintf("its version %s is too old", version))
	}
	// The handle stays open: the runtime has threads and is never unloaded.
	return version, nil
}

func newEnough(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err1 := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err1 == nil && err2 == nil && (major > minMajor || major == minMajor && minor >= minMinor)
}
