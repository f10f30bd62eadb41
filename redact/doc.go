// Package redact hides what is not on the owner's property, and what the owner
// asks to have hidden on it, before a picture reaches an encoder.
//
// A [Policy] says what is shown. A [Redactor] applies it to one picture at a
// time, in place, and hands out the result as a [Frame], the only form in which
// a picture may leave the process: a Frame has no exported field, and only a
// Redactor makes one that is not empty.
//
// The unit of hiding is the block of 2x2 luma pixels, which is one chroma sample. A
// block that is partly outside of the property is outside, and so is all that a
// staircase of blocks of 16x16 pixels (8x8 in pictures of less than 1280x720) would
// hide along its edges, in a straight line. Faces and people are hidden with round
// corners, and around what the background fill hides a soft edge is drawn outwards,
// in which it is mixed with what is shown.
//
// # What a fill keeps
//
// [Solid] keeps nothing: every hidden pixel gets the same grey.
//
// [Background] shows what is behind: the pixels of a [BackgroundPlate], which are of
// the place as it was seen empty, corrected by the smooth difference of the light
// between them and what is shown in the picture, and, where the plate is not known, a
// smooth continuation of the shown surroundings' colours and of the plate's. Not one
// hidden pixel of the picture has a say in it. Where nothing is shown and nothing of
// the plate is known it is frost. Shadows and reflections of who is hidden are not
// hidden. A mask of the policy is never filled with the plate but with frost: it
// hides the place itself.
//
// [Frost] shows the place, and not who passes it. The picture is divided into
// square cells of 1/16 of its height (64 pixels at 1080p), each of which has one
// colour of 5 bits for luma and for both chroma planes. A hidden pixel has the
// linear interpolation of the colours of the cells around it, and nothing else.
//
//   - In the first picture all cells have one colour: the medians of the cells'
//     means over the whole picture. Somebody in it has their share of the ranks,
//     and no other say in it.
//   - Once a second (Options.FrostHold) the mean of what the policy's zones hide
//     of each cell is compared with its colour. After every 20 such samples a
//     value whose mean lay on the same side in at least 11 of them moves by one
//     step of 32 to that side. In between no pixel that is hidden is read.
//   - A cell that anything found touches (a face, a person, a plate, a patch of
//     motion, whether it is hidden or not) takes no part in the sample, and no
//     cell does while the picture is not trusted. What is hidden because it was
//     found never shows; where nothing else is hidden ("hide": "detected") all
//     cells keep the first colour.
//
// So whoever comes after the first picture, is in a cell in fewer than 10 of any
// 20 samples and is found by nobody leaves not one bit in any picture, when the
// rest is static; when it is not, they may tip a vote that was near a tie, which
// moves one value by one step at a time that does not depend on them. Whoever
// stays and is found by nobody moves the values of their cells by at most one
// step of 32 every 20 seconds: after minutes of standing still they show as an
// area average of 64 pixels does, and so do the sky, a wall and a parked car. That
// is enough to tell who: of 20 faces five cells wide that stand still, a program
// trained for it named 4 in 5 after half a minute and all after minutes
// (bench/attack). The cost is that frost begins as one colour, needs a minute or
// more to show a place, and follows a change of light as slowly. A recording of a
// few seconds is one colour.
//
// License plates in frost are solid, because they are text, and text has been
// read back from area averages (Hill et al., "On the (In)effectiveness of
// Mosaicing and Blurring as Tools for Document Redaction", PoPETs 2016).
package redact
