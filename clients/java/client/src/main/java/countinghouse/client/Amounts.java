package countinghouse.client;

import com.google.type.Money;
import java.math.BigDecimal;

/** Amounts: exact, by way of BigDecimal, never of a double. */
public final class Amounts {
  private static final int DECIMALS_MAX = 9;

  private Amounts() {}

  /** {@code money("100.25", "EUR")}; refuses more than nine decimals, and what is beyond 64 bits of units. */
  public static Money money(String amount, String currencyCode) {
    return money(new BigDecimal(amount), currencyCode);
  }

  /** The same of a number. */
  public static Money money(BigDecimal amount, String currencyCode) {
    if (!currencyCode.matches("[A-Z]{3}")) {
      throw new IllegalArgumentException(currencyCode + " is no currency code");
    }
    BigDecimal[] parts = amount.divideAndRemainder(BigDecimal.ONE);
    return Money.newBuilder()
        .setCurrencyCode(currencyCode)
        .setUnits(parts[0].longValueExact())
        .setNanos(parts[1].movePointRight(DECIMALS_MAX).intValueExact())
        .build();
  }

  /** The number of an amount, without its currency. */
  public static BigDecimal number(Money amount) {
    return BigDecimal.valueOf(amount.getUnits()).add(BigDecimal.valueOf(amount.getNanos(), DECIMALS_MAX));
  }

  /** {@code 100.25 EUR}: exact, with at least so many decimals. */
  public static String format(Money amount, int decimals) {
    BigDecimal number = number(amount).stripTrailingZeros();
    return number.setScale(Math.max(decimals, number.scale())).toPlainString() + " " + amount.getCurrencyCode();
  }
}
