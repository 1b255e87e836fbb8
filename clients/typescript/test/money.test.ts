import assert from "node:assert/strict";
import { test } from "node:test";

import { formatMoney, money, nanosOf, ofNanos, sum } from "../src/index.js";

test("an amount goes in and out as it was written", () => {
  for (const text of ["0.00", "100.25", "-0.01", "9007199254740993.10", "0.000000001", "-7.50"]) {
    assert.equal(formatMoney(money(text, "EUR")), `${text} EUR`);
  }
  assert.equal(formatMoney(money("5", "JPY"), 0), "5 JPY");
});

test("units and nanos have one sign", () => {
  const { units, nanos } = money("-1.75", "EUR");
  assert.deepEqual([units, nanos], [-1n, -750_000_000]);
});

test("a sum is exact where numbers are not", () => {
  const dimes = Array.from({ length: 30 }, () => money("0.10", "USD"));
  assert.equal(formatMoney(sum(money("0.20", "USD"), ...dimes)), "3.20 USD");
  assert.equal(nanosOf(sum(money("9007199254740993", "USD"), money("0.01", "USD"))), 9007199254740993010000000n);
});

test("two currencies are never added, and what is no amount is refused", () => {
  assert.throws(() => sum(money("1", "EUR"), money("1", "USD")), RangeError);
  for (const text of ["", "1,5", "1e3", "0x1", "1.", ".5", "1.0000000001", " 1"]) {
    assert.throws(() => money(text, "EUR"), RangeError, text);
  }
  assert.throws(() => money("1", "eur"), RangeError);
  assert.throws(() => money("9223372036854775808", "EUR"), RangeError);
  assert.throws(() => ofNanos(2n ** 200n, "EUR"), RangeError);
});
