// Package redact hides what is not on the owner's property, and what the owner
// asks to have hidden on it, before a picture reaches an encoder.
//
// A [Policy] says what is shown. A [Redactor] applies it to one picture at a
// time, in place, and hands out the result as a [Frame], the only form in which
// a picture may leave the process: a Frame has no exported field, and only a
// Redactor makes one that is not empty.
//
// The unit of hiding is the block of 16x16 luma pixels (8x8 chroma samples),
// the macroblock of the encoders. A block that is partly outside of the
// property is outside.
//
// # What a fill keeps
//
// [Solid] keeps nothing: every hidden pixel gets the same grey.
//
// [Frost] keeps area averages. The picture is divided into square cells of 1/16
// of its height (64 pixels at 1080p). A hidden pixel's colour is made from
// nothing but the averages, over the hidden blocks of a cell, of that cell and
// its eight neighbours, each rounded to 5 bits for luma and for both chroma
// planes, and interpolated linearly. Where a detected object would span more
// than a few cells (2 for a face, 6 for a person or a moving patch) the cells
// there are 2, 4, 8... times larger. An average is taken at most once a second
// (Options.FrostHold) and held: a frame in between only has it written down
// again and is not read at all. So what frost gives away of a hidden area is,
// per cell and second, one colour out of 32x32x32.
//
// License plates are always solid, because they are text, and text has been
// read back from area averages (Hill et al., "On the (In)effectiveness of
// Mosaicing and Blurring as Tools for Document Redaction", PoPETs 2016).
package redact
