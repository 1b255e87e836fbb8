import { mkdir } from "node:fs/promises";

import { connect, CountinghouseError, environment, formatMoney, money, OperationState, Origin } from "countinghouse-client";

const client = connect(...environment()); // http://127.0.0.1:50051 when it says nothing

// Reference data. A call that was made before is refused; here that is fine.
const day = (month: number, day: number) => ({ year: 2026, month, day });
try {
  await client.gl.createLedger({ ledger: { code: "SHOP", description: "The shop's books" } });
  const year = { code: "2026", startDate: day(1, 1), endDate: day(12, 31) };
  await client.gl.createAccountingPeriod({ parent: "ledgers/SHOP", accountingPeriod: year });
} catch (error) {
  if (!(error instanceof CountinghouseError) || error.reason !== "CODE_TAKEN") throw error;
}

// Rows, as many as there are: they are made as they are sent.
function* sales() {
  for (let number = 1; number <= 2_000; number++) {
    const amount = money((number / 100).toFixed(2), "EUR");
    const both = { source: "shop", origin: Origin.FINANCIAL, ledgerCode: "SHOP", accountingDate: day(5, 4) };
    yield { ...both, externalId: `${number}-d`, distributionAccount: "cash", debit: amount };
    yield { ...both, externalId: `${number}-c`, distributionAccount: "sales", credit: amount };
  }
}
const totals = await client.ingest(sales(), {
  onRefusal: ({ row, violations }) => console.log(`row ${row}: ${violations.map(({ reason }) => reason)}`),
});
console.log(`${totals.created} new, ${totals.unchanged} there already, ${totals.refused} refused`);

// Extract, with live progress that survives a lost connection.
const run = await client.extract({ origin: Origin.FINANCIAL });
for await (const { progress } of run.watch({ onRetry: () => console.log("lost the connection, trying again") })) {
  const stages = progress?.stages.map(({ stage, itemsDone }) => `${stage} ${itemsDone}`).join(", ");
  console.log(OperationState[progress?.state ?? 0], stages);
}
const { extractionBatch, dataFiles, totals: sums } = await run.wait();
for (const { debit, credit } of sums) console.log([debit, credit].map((side) => side && formatMoney(side)).join(" = "));

// Fetch the files, each proven by its SHA-256.
await mkdir("out", { recursive: true });
for (const { name } of dataFiles) await client.download(name, `out/${name.slice(name.lastIndexOf("/") + 1)}`);
console.log(`done: ${extractionBatch}`);
client.close();
