package plan

import (
	"encoding/json"
	"math"
)

// A Chart is curves over one axis, as the page's script draws it.
type Chart struct {
	Title   string     `json:"title"`
	X       string     `json:"x"` // the axes' labels
	Y       string     `json:"y"`
	Percent bool       `json:"percent"` // Y is a share
	Stepped bool       `json:"stepped"` // a value holds until the next point
	Log     bool       `json:"log"`     // X is shown by its logarithm; all points have an X of more than 0
	Most    float64    `json:"most"`    // the Y axis reaches at least so far
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

// logarithmic shows X by its logarithm, if there are points with different X above 0. Points
// before the least X at which a curve has reached one percent move there.
func (c *Chart) logarithmic() {
	least, most := math.Inf(1), 0.0
	for _, curve := range c.Curves {
		for _, p := range curve.Points {
			if most = max(most, p.X); p.X > 0 && p.Y >= 0.01 {
				least = min(least, p.X)
			}
		}
	}
	if c.Log = least < most; !c.Log {
		return
	}
	for i, curve := range c.Curves {
		moved := Points{{least, 0}}
		for _, p := range curve.Points {
			if p.X > least {
				moved = append(moved, p)
			} else {
				moved[0].Y = p.Y
			}
		}
		c.Curves[i].Points = moved
	}
}

// sameScale lets charts have the same Y axis, so that they can be compared.
func sameScale(charts []*Chart) {
	most := 0.0
	for _, c := range charts {
		for _, curve := range c.Curves {
			for _, p := range curve.Points {
				most = max(most, p.Y)
			}
		}
	}
	for _, c := range charts {
		c.Most = most
	}
}
