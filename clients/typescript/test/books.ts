// A server's books for the tests: reached by COUNTINGHOUSE_URL and COUNTINGHOUSE_TOKEN, filled with invented rows.

import { create } from "@bufbuild/protobuf";

import {
  type AccountingDetail,
  AccountingDetailSchema,
  type Client,
  Code,
  connect,
  CountinghouseError,
  money,
  Origin,
} from "../src/index.js";

export const URL_OF_SERVER = required("COUNTINGHOUSE_URL");
export const TOKEN = required("COUNTINGHOUSE_TOKEN");

export function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: these tests need a server`);
  return value;
}

/** A client of the server, or of a proxy before it. */
export function client(url = URL_OF_SERVER): Client {
  return connect(url, { token: TOKEN });
}

/** A ledger with one open year, once. */
export async function openBooks(one: Client): Promise<void> {
  try {
    await one.gl.createLedger({ ledger: { code: "TS" } });
  } catch (error) {
    if (error instanceof CountinghouseError && error.code === Code.AlreadyExists) return;
    throw error;
  }
  await one.gl.createAccountingPeriod({
    parent: "ledgers/TS",
    accountingPeriod: {
      code: "FY",
      startDate: { year: 2026, month: 1, day: 1 },
      endDate: { year: 2026, month: 12, day: 31 },
    },
  });
}

/** A row, sound unless changed. */
export function row(source: string, number: number, changes: Partial<AccountingDetail> = {}): AccountingDetail {
  const sound = create(AccountingDetailSchema, {
    source,
    externalId: `line-${number}`,
    origin: Origin.FINANCIAL,
    grouping: source,
    bulkingGroup: `B${number % 7}`,
    ledgerCode: "TS",
    accountingDate: { year: 2026, month: 5, day: 1 + (number % 28) },
    ...(number % 2 === 0 ? { debit: money("12.34", "EUR") } : { credit: money("12.34", "EUR") }),
  });
  return Object.assign(sound, changes);
}

/** Rows made one at a time, as a database cursor gives them. */
export async function* rows(source: string, count: number, taken = (_: number) => {}): AsyncGenerator<AccountingDetail> {
  for (let number = 0; number < count; number++) {
    taken(number + 1);
    yield row(source, number);
  }
}
