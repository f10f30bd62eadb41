package redact

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hedgecam/hedge"

// rawSide are the parts of the module that work on raw pictures before they are
// redacted. Nothing there leads out of the process. Every other package may
// take a picture only as a redact.Frame.
var rawSide = []string{"detect", "redact", "internal"}

// rawExceptions are the consumers of raw pictures outside of the raw side, with
// the reason.
var rawExceptions = map[string]string{
	"bench/leak":                       "a test tool on public data that draws its worst cases; package main, cannot be imported",
	"bench/attack":                     "attacks fills on test pictures, and writes none; package main, cannot be imported",
	"bench/soak":                       "draws its own camera's pictures, and looks for raw pixels in what came out; package main, cannot be imported",
	"bench/peers/plain":                "the plain script that Hedge is compared with; package main, cannot be imported",
	"examples/own-detector.red.Detect": "a detector, which is there to see raw pictures; package main, cannot be imported",
	"examples/internal/inferences.Detector.Detect": "a detector that hands the picture to another one, and keeps a hash of it and boxes",
	"pipeline.SourceFunc":                          "a source as a func: it fills the picture, as Source.Read does",
}

// TestConsumersTakeFrames enumerates every consumer of pictures in the module:
// every exported function, method, interface method and callback outside of the
// raw side, and every function at all of a program. It fails for one that takes
// pixels in another form than a Frame.
func TestConsumersTakeFrames(t *testing.T) {
	c := newConsumers()
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if name != root && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "vendor") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		return c.add(filepath.ToSlash(rel), name, src)
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, frames := c.enumerate()
	for _, r := range raw {
		t.Errorf("%s takes a picture that is not a redact.Frame", r)
	}
	if !slices.Contains(frames, "pipeline.Sink.Write") {
		t.Errorf("the enumeration does not see pipeline.Sink.Write; consumers of frames: %q", frames)
	}
}

// TestConsumersAreFound: the enumeration finds what it is there to find.
func TestConsumersAreFound(t *testing.T) {
	c := newConsumers()
	for dir, src := range map[string]string{
		"pipeline": `package pipeline
			import ("context"; "image"; "github.com/hedgecam/hedge/redact")
			type Buffer struct { pic *image.YCbCr }
			func (b *Buffer) Resize(w, h int) *image.YCbCr { return b.pic }
			type Source interface { Read(ctx context.Context, b *Buffer) error }
			type Sink interface { Write(ctx context.Context, f redact.Frame) error }
			type Peek interface { Write(b *Buffer) error }
			type Config struct { OnPicture func(*image.YCbCr); OnFrame func(redact.Frame) }
			func internal(pic *image.YCbCr) {}
			type hidden struct{}
			func (hidden) Encode(pic *image.YCbCr) {}`,
		"pipeline/encoder": `package encoder
			import (img "image"; "github.com/hedgecam/hedge/pipeline"; "github.com/hedgecam/hedge/redact")
			type Encoder struct{}
			type Pixels []img.YCbCr
			type Shot struct { Image img.Image }
			func (e *Encoder) Encode(p img.Image) error { return nil }
			func (e *Encoder) EncodeFrame(f redact.Frame) error { return nil }
			func Many(ps ...*img.RGBA) {}
			func Batch(p Pixels) {}
			func Store(s *Shot) {}
			func Feed(c <-chan *pipeline.Buffer) {}
			func Bytes(yuv []byte) {}
			func Name(name []byte, size img.Point) {}
			func New(p img.Rectangle) *img.YCbCr { return nil }`,
		"examples/x": `package main
			import "image"
			func serve(pic image.Image) {}`,
		"detect": `package detect
			import "image"
			func Look(pic *image.YCbCr) {}`,
	} {
		if err := c.add(dir, dir+".go", []byte(src)); err != nil {
			t.Fatal(err)
		}
	}
	raw, frames := c.enumerate()
	want := []string{
		"examples/x.serve",
		"pipeline.Config.OnPicture", "pipeline.Peek.Write",
		"pipeline/encoder.Batch", "pipeline/encoder.Bytes", "pipeline/encoder.Encoder.Encode",
		"pipeline/encoder.Feed", "pipeline/encoder.Many", "pipeline/encoder.Store",
	}
	if !slices.Equal(raw, want) {
		t.Errorf("found %q\nwant  %q", raw, want)
	}
	want = []string{"pipeline.Config.OnFrame", "pipeline.Sink.Write", "pipeline/encoder.Encoder.EncodeFrame"}
	if !slices.Equal(frames, want) {
		t.Errorf("found %q\nwant  %q", frames, want)
	}
}

// consumers looks through the syntax of a module's packages. It works on syntax
// alone, so that it sees the files of every platform and build tag.
type consumers struct {
	files []sourceFile
	raw   map[string]bool // named types that carry raw pixels, "dir.Name"
}

type sourceFile struct {
	dir     string
	syntax  *ast.File
	imports map[string]string // name in the file -> import path
}

func newConsumers() *consumers { return &consumers{raw: map[string]bool{}} }

func (c *consumers) add(dir, name string, src []byte) error {
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("parse %s: %w", name, err)
	}
	s := sourceFile{dir: dir, syntax: f, imports: map[string]string{}}
	for _, i := range f.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return err
		}
		base := path.Base(p)
		if i.Name != nil {
			base = i.Name.Name
		}
		s.imports[base] = p
	}
	c.files = append(c.files, s)
	return nil
}

// enumerate returns, sorted, the consumers that take raw pixels and those that
// take frames.
func (c *consumers) enumerate() (raw, frames []string) {
	c.markTypes()
	for _, f := range c.files {
		if onRawSide(f.dir) {
			continue
		}
		f.funcs(func(name string, typ *ast.FuncType) {
			for _, p := range typ.Params.List {
				switch {
				case c.takesFrame(f, p.Type):
					frames = append(frames, f.dir+"."+name)
				case c.isRaw(f, p.Type) || isPixels(p):
					// A source fills the pipeline's buffer.
					fills := c.isBuffer(f, p.Type) && strings.HasSuffix("."+name, ".Read")
					if !fills && rawExceptions[f.dir] == "" && rawExceptions[f.dir+"."+name] == "" {
						raw = append(raw, f.dir+"."+name)
					}
				}
			}
		})
	}
	slices.Sort(raw)
	slices.Sort(frames)
	return slices.Compact(raw), slices.Compact(frames)
}

func onRawSide(dir string) bool {
	for _, r := range rawSide {
		if dir == r || strings.HasPrefix(dir, r+"/") {
			return true
		}
	}
	return false
}

// markTypes finds the named types outside of the raw side's own that carry raw
// pixels: through what they are made of, an exported field, or what an exported
// method returns. It repeats until nothing new is found.
func (c *consumers) markTypes() {
	for n := -1; n != len(c.raw); {
		n = len(c.raw)
		for _, f := range c.files {
			for _, d := range f.syntax.Decls {
				switch d := d.(type) {
				case *ast.GenDecl:
					for _, spec := range d.Specs {
						if ts, ok := spec.(*ast.TypeSpec); ok && c.carries(f, ts.Type) {
							c.raw[f.dir+"."+ts.Name.Name] = true
						}
					}
				case *ast.FuncDecl:
					if d.Recv != nil && d.Name.IsExported() && c.returnsRaw(f, d.Type) {
						c.raw[f.dir+"."+receiver(d)] = true
					}
				}
			}
		}
		delete(c.raw, "redact.Frame")
	}
}

// carries reports whether a type with this definition carries raw pixels.
func (c *consumers) carries(f sourceFile, typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.StructType:
		for _, field := range typ.Fields.List {
			for _, name := range field.Names {
				if name.IsExported() && c.isRaw(f, field.Type) {
					return true
				}
			}
			if len(field.Names) == 0 && c.isRaw(f, field.Type) {
				return true
			}
		}
		return false
	case *ast.InterfaceType:
		for _, m := range typ.Methods.List {
			if ft, ok := m.Type.(*ast.FuncType); ok && c.returnsRaw(f, ft) {
				return true
			}
		}
		return false
	}
	return c.isRaw(f, typ)
}

func (c *consumers) returnsRaw(f sourceFile, typ *ast.FuncType) bool {
	if typ.Results == nil {
		return false
	}
	return slices.ContainsFunc(typ.Results.List, func(r *ast.Field) bool { return c.isRaw(f, r.Type) })
}

// notPictures are the types of package image that hold no pixels.
var notPictures = []string{"Point", "Rectangle", "YCbCrSubsampleRatio", "Config", "Uniform"}

// isRaw reports whether a value of the type hands raw pixels over.
func (c *consumers) isRaw(f sourceFile, typ ast.Expr) bool {
	switch typ := typ.(type) {
	case *ast.StarExpr:
		return c.isRaw(f, typ.X)
	case *ast.ParenExpr:
		return c.isRaw(f, typ.X)
	case *ast.ArrayType:
		return c.isRaw(f, typ.Elt)
	case *ast.Ellipsis:
		return c.isRaw(f, typ.Elt)
	case *ast.ChanType:
		return c.isRaw(f, typ.Value)
	case *ast.MapType:
		return c.isRaw(f, typ.Key) || c.isRaw(f, typ.Value)
	case *ast.FuncType:
		return c.returnsRaw(f, typ)
	case *ast.Ident:
		return c.raw[f.dir+"."+typ.Name]
	case *ast.SelectorExpr:
		pkg, ok := typ.X.(*ast.Ident)
		if !ok {
			return false
		}
		switch p := f.imports[pkg.Name]; p {
		case "image", "image/draw":
			return !slices.Contains(notPictures, typ.Sel.Name)
		case "gocv.io/x/gocv":
			return typ.Sel.Name == "Mat" || typ.Sel.Name == "UMat"
		default:
			return c.raw[strings.TrimPrefix(p, module+"/")+"."+typ.Sel.Name]
		}
	}
	return false
}

var pixelNames = regexp.MustCompile(`(?i)^(pic|picture|img|image|frame|yuv|i420|nv12|rgb|bgr|pix|pixels|luma|planes?)s?$`)

// isPixels reports whether a parameter is a byte slice that, by its name, holds
// a picture.
func isPixels(p *ast.Field) bool {
	a, ok := p.Type.(*ast.ArrayType)
	if !ok {
		return false
	}
	if id, ok := a.Elt.(*ast.Ident); !ok || id.Name != "byte" && id.Name != "uint8" {
		return false
	}
	return slices.ContainsFunc(p.Names, func(n *ast.Ident) bool { return pixelNames.MatchString(n.Name) })
}

func (c *consumers) takesFrame(f sourceFile, typ ast.Expr) bool {
	return f.named(typ, "redact", "Frame")
}

func (c *consumers) isBuffer(f sourceFile, typ ast.Expr) bool {
	star, ok := typ.(*ast.StarExpr)
	return ok && f.named(star.X, "pipeline", "Buffer")
}

// named reports whether typ is the given type of the module.
func (f sourceFile) named(typ ast.Expr, dir, name string) bool {
	switch typ := typ.(type) {
	case *ast.Ident:
		return f.dir == dir && typ.Name == name
	case *ast.SelectorExpr:
		pkg, ok := typ.X.(*ast.Ident)
		return ok && f.imports[pkg.Name] == module+"/"+dir && typ.Sel.Name == name
	}
	return false
}

// funcs calls visit for every function, method, interface method and field of a
// function type that others can reach; in a program, for all.
func (f sourceFile) funcs(visit func(name string, typ *ast.FuncType)) {
	program := f.syntax.Name.Name == "main"
	reach := func(name string) bool { return program || ast.IsExported(name) }
	for _, d := range f.syntax.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				if !reach(receiver(d)) {
					continue
				}
				name = receiver(d) + "." + name
			}
			if reach(d.Name.Name) {
				visit(name, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok || !reach(ts.Name.Name) {
					continue
				}
				var fields *ast.FieldList
				switch typ := ts.Type.(type) {
				case *ast.InterfaceType:
					fields = typ.Methods
				case *ast.StructType:
					fields = typ.Fields
				case *ast.FuncType:
					visit(ts.Name.Name, typ)
					continue
				default:
					continue
				}
				for _, field := range fields.List {
					ft, ok := field.Type.(*ast.FuncType)
					for _, n := range field.Names {
						if ok && reach(n.Name) {
							visit(ts.Name.Name+"."+n.Name, ft)
						}
					}
				}
			}
		}
	}
}

// receiver returns the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	typ := d.Recv.List[0].Type
	for {
		switch t := typ.(type) {
		case *ast.StarExpr:
			typ = t.X
		case *ast.IndexExpr:
			typ = t.X
		case *ast.IndexListExpr:
			typ = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}
