package detect

import (
	"math"
	"testing"
)

// square is a silhouette of 60x60 cells of 2x2 pixels.
func square() *Silhouette {
	return &Silhouette{Region: Box{10, 20, 130, 140}, Columns: 60, Rows: 60, Cells: make([]uint8, 3600)}
}

func TestSilhouetteValid(t *testing.T) {
	var none *Silhouette
	if none.Valid() || (&Silhouette{}).Valid() {
		t.Error("what is not there is valid")
	}
	if s := square(); !s.Valid() {
		t.Error("a silhouette is not valid")
	} else if w, h := s.CellSize(); w != 2 || h != 2 {
		t.Errorf("its cells are of %vx%v pixels", w, h)
	}
	for name, spoil := range map[string]func(s *Silhouette){
		"short":        func(s *Silhouette) { s.Cells = s.Cells[1:] },
		"no rows":      func(s *Silhouette) { s.Rows = 0 },
		"many columns": func(s *Silhouette) { s.Columns, s.Rows, s.Cells = MaxCells+1, 1, make([]uint8, MaxCells+1) },
		"empty region": func(s *Silhouette) { s.Region.Y1 = s.Region.Y0 },
		"infinite":     func(s *Silhouette) { s.Region.X1 = float32(math.Inf(1)) },
	} {
		s := square()
		if spoil(s); s.Valid() {
			t.Errorf("%s: it is valid", name)
		}
	}
}
