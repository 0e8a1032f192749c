package main

import "testing"

// The page shows the operations that explain why a key is not linearizable, over time.
func TestRegister(t *testing.T) {
	b := newBench(t)
	tb := openReport(t, b.test(t, "split"), "")
	tb.has(".story .lines", "would have been right")
	tb.see(`document.querySelectorAll(".register li.bad").length === 1 && document.querySelectorAll(".register li").length > 1`)
	tb.see(`[...document.querySelectorAll(".register li .when i")].every(e => { const b = e.getBoundingClientRect(), w = e.parentElement.getBoundingClientRect(); return b.width > 0 && b.left >= w.left && b.left < w.right; })`)
	tb.click(".register li.bad a")
	tb.see(`/^#m\d+$/.test(location.hash)`)
	tb.see(`(i => i >= 0 && eddy.explorers[0].test.name(eddy.explorers[0].test.m.src[i]).startsWith("c"))(Number(location.hash.slice(2)))`)
}
