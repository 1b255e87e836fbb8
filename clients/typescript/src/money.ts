// Amounts: exact, on bigint, never a number with a fraction.

import { create } from "@bufbuild/protobuf";

import { type Money, MoneySchema } from "./gen/google/type/money_pb.js";

const NANOS = 1_000_000_000n;
const DECIMAL = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/** `money("100.25", "EUR")`; throws a RangeError for what is no plain decimal number with at most nine decimals. */
export function money(amount: string, currencyCode: string): Money {
  const [, sign, whole, decimals = ""] = DECIMAL.exec(amount) ?? [];
  if (whole === undefined) throw new RangeError(`${JSON.stringify(amount)} is no amount such as 100.25`);
  if (!/^[A-Z]{3}$/.test(currencyCode)) throw new RangeError(`${JSON.stringify(currencyCode)} is no currency code`);
  const nanos = BigInt(whole) * NANOS + BigInt(decimals.padEnd(9, "0"));
  return ofNanos(sign === "-" ? -nanos : nanos, currencyCode);
}

/** The amount in units of 10⁻⁹ of its currency: what to compute with. */
export function nanosOf(amount: Money): bigint {
  return amount.units * NANOS + BigInt(amount.nanos);
}

/** The Money of an amount in units of 10⁻⁹ of its currency; throws a RangeError for one beyond 64 bits of units. */
export function ofNanos(nanos: bigint, currencyCode: string): Money {
  const units = nanos / NANOS;
  if (BigInt.asIntN(64, units) !== units) throw new RangeError("the amount is beyond what Money can hold");
  return create(MoneySchema, { currencyCode, units, nanos: Number(nanos % NANOS) });
}

/** The sum of amounts of one currency; throws a RangeError for two currencies, and for none. */
export function sum(first: Money, ...others: readonly Money[]): Money {
  const stranger = others.find(({ currencyCode }) => currencyCode !== first.currencyCode);
  if (stranger !== undefined) throw new RangeError(`a sum over ${first.currencyCode} and ${stranger.currencyCode}`);
  return ofNanos(
    others.reduce((total, amount) => total + nanosOf(amount), nanosOf(first)),
    first.currencyCode,
  );
}

/** `100.25 EUR`: exact, with at least `decimals` decimals. */
export function formatMoney(amount: Money, decimals = 2): string {
  const nanos = nanosOf(amount);
  const size = nanos < 0n ? -nanos : nanos;
  const fraction = (size % NANOS).toString().padStart(9, "0").replace(/0+$/, "").padEnd(decimals, "0");
  return `${nanos < 0n ? "-" : ""}${size / NANOS}${fraction === "" ? "" : `.${fraction}`} ${amount.currencyCode}`;
}
