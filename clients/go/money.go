package countinghouse

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/type/money"
)

var (
	decimal  = regexp.MustCompile(`^(-?)(\d+)(?:\.(\d{1,9}))?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
)

// Money is the exact amount of a plain decimal such as 100.25, with at most nine decimals: never made from a float.
func Money(amount, currencyCode string) (*money.Money, error) {
	parts := decimal.FindStringSubmatch(amount)
	if parts == nil {
		return nil, fmt.Errorf("%q is no amount such as 100.25", amount)
	}
	if !currency.MatchString(currencyCode) {
		return nil, fmt.Errorf("%q is no currency code", currencyCode)
	}
	units, err := strconv.ParseInt(parts[1]+parts[2], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q is beyond what Money can hold", amount)
	}
	nanos, err := strconv.ParseInt(parts[1]+parts[3]+strings.Repeat("0", 9-len(parts[3])), 10, 32)
	return &money.Money{CurrencyCode: currencyCode, Units: units, Nanos: int32(nanos)}, err
}

// FormatMoney writes an amount as `100.25 EUR`: exact, with at least so many decimals.
func FormatMoney(amount *money.Money, decimals int) string {
	sign, units, nanos := "", amount.GetUnits(), amount.GetNanos()
	if units < 0 || nanos < 0 {
		sign, nanos = "-", -nanos
	}
	fraction := strings.TrimRight(fmt.Sprintf("%09d", nanos), "0")
	if fraction += strings.Repeat("0", max(0, decimals-len(fraction))); fraction != "" {
		fraction = "." + fraction
	}
	return fmt.Sprintf("%s%s%s %s", sign, strings.TrimPrefix(strconv.FormatInt(units, 10), "-"), fraction, amount.GetCurrencyCode())
}
