package plan

import "encoding/json"

// A Chart is curves over one axis, as the page's script draws it.
type Chart struct {
	Title   string     `json:"title"`
	X       string     `json:"x"` // the axes' labels
	Y       string     `json:"y"`
	Percent bool       `json:"percent"` // Y is a share
	Stepped bool       `json:"stepped"` // a value holds until the next point
	Marked  [2]float64 `json:"marked"`  // a stretch of X that is marked, if its end is behind its beginning
	Curves  []Curve    `json:"curves"`
}

// A Curve has a name that the legend shows. Curves of the same color belong
// together.
type Curve struct {
	Name   string `json:"name"`
	Color  int    `json:"color"`
	Dashed bool   `json:"dashed"`
	Gray   bool   `json:"gray"` // what the others are compared with
	Points Points `json:"points"`
}

// Points are the points of a curve, in the order of their X.
type Points []Point

// MarshalJSON writes the points as [[x, ...], [y, ...]].
func (p Points) MarshalJSON() ([]byte, error) {
	xs, ys := make([]float64, len(p)), make([]float64, len(p))
	for i, point := range p {
		xs[i], ys[i] = point.X, point.Y
	}
	return json.Marshal([2][]float64{xs, ys})
}
