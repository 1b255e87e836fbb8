import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";

import {
  type Client,
  Code,
  connect,
  CountinghouseError,
  formatMoney,
  money,
  OperationFailed,
  OperationState,
  pages,
  type Refusal,
} from "../src/index.js";
import { client, openBooks, row, rows, URL_OF_SERVER } from "./books.js";
import { Proxy } from "./proxy.js";

const house = client();
const ROWS_UNDER_WAY = 3 * 10_000; // two streams, and one that is being packed
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "countinghouse-"));
  await openBooks(house);
});

after(async () => {
  house.close();
  await rm(folder, { recursive: true });
});

/** A way to the server that can be cut, and a client on it; both are gone with the test. */
async function cuttable(t: TestContext): Promise<[Proxy, Client]> {
  const proxy = await Proxy.before(URL_OF_SERVER);
  const through = client(proxy.url);
  t.after(() => {
    through.close();
    proxy.close();
  });
  return [proxy, through];
}

async function refused(call: Promise<unknown>): Promise<CountinghouseError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof CountinghouseError, String(error));
    return error;
  }
  return assert.fail("the call was not refused");
}

test("a call without a token, or with a wrong one, is refused with a reason", async () => {
  for (const options of [{}, { token: "no-token-of-this-server" }, { token: async () => "another-wrong-token" }]) {
    const stranger = connect(URL_OF_SERVER, options);
    const error = await refused(stranger.gl.listLedgers({}));
    assert.deepEqual([error.code, error.reason], [Code.Unauthenticated, "UNAUTHENTICATED"]);
    stranger.close();
  }
});

test("a token is not sent in clear text over a network", () => {
  assert.throws(() => connect("http://books.example.com:50051", { token: "secret-secret-secret" }), TypeError);
  connect("http://books.example.com:50051", { token: "secret-secret-secret", plaintextToken: true }).close();
});

test("an error tells its reason and every violation by its field", async () => {
  const invalid = await refused(
    house.gl.batchCreateAccountingDetails({
      accountingDetails: [row("errors", 1), row("errors", 2, { ledgerCode: "", debit: money("0.001", "EUR") })],
    }),
  );
  assert.equal(invalid.code, Code.InvalidArgument);
  assert.ok(invalid.requestId !== "");
  const fields = invalid.violations.map(({ field }) => field);
  assert.ok(fields.includes("accounting_details[1].ledger_code"), String(fields));
  assert.ok(fields.includes("accounting_details[1].debit"), String(fields));
  const missing = await refused(house.gl.getLedger({ name: "ledgers/NONE" }));
  assert.deepEqual(missing.resources, [{ type: "countinghouse.gl_extraction/Ledger", name: "ledgers/NONE" }]);
});

test("a call repeated with its request id gives the first answer", async () => {
  const request = { groupAccount: { code: "TS-ONCE" }, requestId: "ts-once-1" };
  const first = await house.gl.createGroupAccount(request);
  assert.deepEqual(await house.gl.createGroupAccount(request), first);
  const reused = await refused(house.gl.createGroupAccount({ ...request, groupAccount: { code: "TS-TWICE" } }));
  assert.deepEqual([reused.code, reused.reason], [Code.AlreadyExists, "REQUEST_ID_REUSED"]);
});

test("rows are taken in as they are made, and each refused one is told by its place", async () => {
  const count = 25_000;
  let ahead = 0;
  let made = 0;
  let settled = 0;
  const refusals: Refusal[] = [];
  async function* some() {
    for await (const one of rows("bulk", count, (number) => (made = number))) {
      ahead = Math.max(ahead, made - settled);
      yield made === 3 || made === 15_000 ? { ...one, ledgerCode: "NOT-THERE" } : one;
    }
  }
  const options = {
    onRefusal: (refusal: Refusal) => refusals.push(refusal),
    onProgress: ({ received }: { received: number }) => (settled = received),
  };
  const totals = await house.ingest(some(), options);
  assert.deepEqual(totals, { received: count, created: count - 2, unchanged: 0, refused: 2 });
  assert.deepEqual(refusals.map(({ row }) => row), [2, 14_999]);
  assert.deepEqual(refusals[0]?.violations.map(({ field }) => field), ["ledger_code"]);
  assert.ok(ahead <= ROWS_UNDER_WAY, `${ahead} rows were taken ahead`);
  const again = await house.ingest(rows("bulk", 1_000));
  assert.deepEqual(again, { received: 1_000, created: 1, unchanged: 999, refused: 0 });
});

test("a stream that is cut is sent again, and nothing is stored twice", async (t) => {
  const [proxy, through] = await cuttable(t);
  async function* cutting() {
    for await (const one of rows("cut", 12_000, (number) => number === 11_000 && proxy.cut())) yield one;
  }
  const totals = await through.ingest(cutting());
  assert.equal(totals.received, 12_000);
  assert.equal(totals.created + totals.unchanged, 12_000);
  assert.equal(proxy.cuts, 1);
  const listed = pages(house.gl.listAccountingDetails, { filter: { source: "cut" }, pageSize: 1_000 }, (page) => page.accountingDetails);
  let found = 0;
  for await (const detail of listed) found += detail.source === "cut" ? 1 : 0;
  assert.equal(found, 12_000);
});

test("an extraction is watched over a cut, downloaded over a cut, and proven", async (t) => {
  await house.ingest(rows("sent", 9_000));
  const [proxy, through] = await cuttable(t);
  const run = await through.extract({ grouping: "sent" });
  const sequences: bigint[] = [];
  const states: OperationState[] = [];
  let lost = 0;
  for await (const snapshot of run.watch({ onRetry: () => (lost += 1) })) {
    if (sequences.length === 0) proxy.cut();
    sequences.push(snapshot.sequence);
    states.push(snapshot.progress?.state ?? OperationState.UNSPECIFIED);
  }
  assert.ok(lost > 0, "the watch did not notice the cut");
  assert.deepEqual(sequences, [...new Set(sequences)].sort((one, other) => Number(one - other)));
  assert.equal(states.at(-1), OperationState.SUCCEEDED);

  const response = await run.wait();
  assert.equal(response.detailCount, 9_000n);
  assert.deepEqual(
    response.totals.map(({ debit, credit }) => [debit, credit].map((side) => side && formatMoney(side))),
    [["55530.00 EUR", "55530.00 EUR"]],
  );
  for (const { name, sha256, sizeBytes } of response.dataFiles) {
    const path = join(folder, name.slice(name.lastIndexOf("/") + 1));
    proxy.cutAt = proxy.received + Number(sizeBytes) / 2;
    const facts = await through.download(name, path);
    assert.equal(createHash("sha256").update(await readFile(path)).digest("hex"), sha256);
    assert.equal(facts.sizeBytes, sizeBytes);
  }
  assert.ok(proxy.cuts >= 2, "no download was cut");
  assert.equal((await readdir(folder)).length, response.dataFiles.length);
});

test("what an earlier download left is gone on with, and what was tampered with is not taken for the file", async () => {
  await house.ingest(rows("left", 500));
  const [file] = (await (await house.extract({ grouping: "left" })).wait()).dataFiles;
  assert.ok(file !== undefined);
  const path = join(folder, "left.json");
  const partial = `${path}.${file.sha256.slice(0, 12)}.part`;
  await writeFile(partial, "x".repeat(100));
  const damaged = await refused(house.download(file.name, path));
  assert.equal(damaged.code, Code.DataLoss);
  assert.ok(!(await readdir(folder)).some((name) => name.startsWith("left.json")));
  await house.download(file.name, path);
  const whole = await readFile(path);
  await rm(path);
  await writeFile(partial, whole.subarray(0, 1_000));
  const seen: bigint[] = [];
  await house.download(file.name, path, { onBytes: (received) => seen.push(received) });
  assert.deepEqual(await readFile(path), whole);
  assert.ok((seen[0] ?? 0n) > 1_000n);
});

test("a refused extraction names the rule, and a mere validation is done at once", async () => {
  const empty = await refused(house.extract({}));
  assert.deepEqual(empty.violations.map(({ reason }) => reason), ["FIN-IP-ACDE-001"]);
  const rehearsal = await house.extract({ grouping: "bulk", validateOnly: true });
  assert.equal(rehearsal.name, "");
  assert.equal((await rehearsal.wait()).detailCount, 24_999n);
});

test("a canceled extraction ends as canceled", async () => {
  await house.ingest(rows("canceled", 20_000));
  const run = await house.extract({ grouping: "canceled" });
  await run.cancel();
  try {
    await run.wait();
  } catch (error) {
    assert.ok(error instanceof OperationFailed, String(error));
    assert.deepEqual([error.code, error.operation], [Code.Canceled, run.name]);
    return;
  }
  assert.fail("it was not canceled");
});

test("a watch ends at once when its caller has enough", async (t) => {
  const run = house.extraction("operations/00000000000000000000000000");
  const unknown = await refused(run.wait());
  assert.equal(unknown.code, Code.NotFound);
  const [proxy, gone] = await cuttable(t);
  proxy.close();
  const enough = AbortSignal.timeout(300);
  await assert.rejects(gone.extraction(run.name).wait({ signal: enough }));
  const impatient = await refused(gone.extraction(run.name).wait({ patienceMs: 200 }));
  assert.equal(impatient.code, Code.Unavailable);
});
