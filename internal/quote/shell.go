package quote

import (
	"fmt"
	"strings"
	"unicode"
)

// plain are the characters beside letters and digits that no shell interprets.
const plain = "-_./:=,%+@"

func isSpecial(r rune) bool {
	return !strings.ContainsRune(plain, r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// Shell returns a command line as it can be typed into a shell. Characters that
// can't be printed are written so that bash, ksh and zsh read them.
func Shell(args ...string) string {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = shellWord(arg)
	}
	return strings.Join(quoted, " ")
}

func shellWord(arg string) string {
	switch {
	case arg != "" && !strings.ContainsFunc(arg, isSpecial):
		return arg
	case !strings.ContainsFunc(arg, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
	}
	var b strings.Builder
	for _, r := range arg {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString("\\" + string(r))
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return "$'" + b.String() + "'"
}
