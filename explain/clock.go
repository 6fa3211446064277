package explain

import (
	"fmt"
	"time"
)

// checkTime explains the signature's time. It can be told for certain only for a
// signature that fits.
func (e *explainer) checkTime() {
	now, signedAt := e.received.Now, e.header.SignedAt
	age := now.Sub(time.Unix(signedAt, 0))
	subject := "the time in the header"
	if e.usedKey != nil {
		subject = "the signature fits, but its time"
	}
	const year = 365 * 24 * time.Hour
	switch {
	case e.webhook: // what is said of fetchStripeSignature does not hold
	case age < -e.received.Tolerance && now.Sub(time.UnixMilli(signedAt)).Abs() < year:
		e.say(causeMilliseconds, "%s counts milliseconds, and Stripe's counts seconds: divide it by 1000 where it is signed", subject)
	case age > e.received.Tolerance:
		ago, orClock := inWords(age), ""
		if age < 12*time.Hour { // no clock is off by more, but one that was never set
			orClock = ", or, if " + e.kind.justNow + ", set this server's clock back by " + ago
		}
		e.say(causeTooOld, "%s is %s ago, over the tolerance of %v: %s%s", subject, ago, e.received.Tolerance, e.kind.renew, orClock)
	case age < -e.received.Tolerance:
		ahead := inWords(-age)
		e.say(causeClockBehind, "%s is %s in the future, over the tolerance of %v: set this server's clock forward by as much, and let it be synchronized", subject, ahead, e.received.Tolerance)
	}
}

// inWords is a duration for a sentence. Sub saturates at 292 years, of which the
// negative is one more than there is.
func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < 0 || d > 100*365*day:
		return "more than 100 years"
	case d > 2*day:
		return fmt.Sprintf("%d days", d.Round(day)/day)
	}
	return (d + time.Second - 1).Truncate(time.Second).String() // up: it is over a tolerance
}
