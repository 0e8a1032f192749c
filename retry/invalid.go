package retry

import (
	"fmt"
	"strings"
)

// A fieldError is an error about a field. It names the field by its path, such as
// backoff.base, and says what is wrong.
type fieldError struct{ field, wrong string }

func (e *fieldError) Error() string { return e.field + ": " + e.wrong }

// wrong returns an error about a field.
func wrong(field, format string, args ...any) error {
	return &fieldError{field, fmt.Sprintf(format, args...)}
}

// invalid returns the error for a field whose value is not what it must be.
func invalid(field string, value any) error {
	return wrong(field, "%v must be %s", value, rule(field))
}

// rule says what the value of a field must be. It is "" if there is no such field.
func rule(field string) string {
	if rest, ok := strings.CutPrefix(field, "backoff_after."); ok {
		if _, member, ok := strings.Cut(rest, "."); ok {
			return rule("backoff." + member)
		}
		return "an object"
	}
	switch field {
	case "attempts", "max_hedges", "budget.in_flight", "breaker.failures", "breaker.min_attempts":
		return "an integer of at least 1"
	case "timeout", "last_timeout", "hedge", "deadline", "max_pushback", "adaptive.min", "adaptive.max", "backoff.base", "backoff.cap", "breaker.open":
		return `a duration of more than 0s, such as "500ms"`
	case "adaptive", "backoff", "backoff_after", "budget", "breaker":
		return "an object"
	case "hedge_percentile":
		return "a number of more than 0 and less than 100"
	case "breaker.ratio":
		return "a number of more than 0 and at most 1"
	case "late":
		return "accept or ignore"
	case "backoff.kind":
		return "none, constant, exponential or decorrelated"
	case "backoff.jitter":
		return `"none", "full", "equal", a number of more than 0 and at most 1, or two factors from 0 to 2 such as [0.5,1.5]`
	case "backoff.seed":
		return "an integer from 1 to 18446744073709551615"
	case "retry_on":
		return "an array of error codes"
	case "budget.ratio":
		return "a number from 0 to 1"
	case "budget.per_second":
		return "a number of more than 0 and at most 1e9"
	case "call_id", "propagate":
		return "true or false"
	}
	if strings.HasPrefix(field, "retry_on.") {
		return "an integer of at least 0"
	}
	return ""
}

// name returns the name of value i of a type, and an error if it has none.
func name(kind string, i uint8, names []string) (string, error) {
	if int(i) < len(names) {
		return names[i], nil
	}
	return fmt.Sprintf("%s %d", kind, i), fmt.Errorf("%s %d has no name", kind, i)
}
