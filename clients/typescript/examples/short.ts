// The ten lines of docs/clients.md in TypeScript: sends batch 1 again, once it is there.

import { basename } from "node:path";

import { connect, CountinghouseError, environment, OperationState } from "countinghouse-client";

const client = connect(...environment()); // COUNTINGHOUSE_ADDRESS, COUNTINGHOUSE_TOKEN, …
try {
  await client.gl.createLedger({ ledger: { code: "NO BLANKS" }, requestId: "ledger-1" });
} catch (error) {
  if (!(error instanceof CountinghouseError)) throw error;
  console.log(error.reason, error.violations.map(({ field }) => field), error.retryable);
}
const run = await client.extract({ glExtractionBatchId: "1" });
for await (const { progress } of run.watch()) console.log(OperationState[progress?.state ?? 0]);
for (const { name } of (await run.wait()).dataFiles) await client.download(name, basename(name));
client.close();
