import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { type Client, Code, connect, CountinghouseError, type ConnectOptions, environment } from "../src/index.js";
import { openBooks, row, TOKEN } from "./books.js";

const [ENCRYPTED, { tls = {} }] = environment(); // of a server that asks for a certificate, too

function over(t: TestContext, url: string, options: ConnectOptions): Client {
  const client = connect(url, options);
  t.after(() => client.close());
  return client;
}

test("a server whose authority is known is reached over TLS with a bearer token: calls and streams", async (t) => {
  const house = over(t, ENCRYPTED, { token: async () => TOKEN, tls });
  await openBooks(house);
  const totals = await house.ingest([row("tls", 0), row("tls", 1)]);
  assert.equal(totals.created + totals.unchanged, 2);
  const run = await house.extract({ grouping: "tls" });
  let seen = 0n;
  for await (const { sequence } of run.watch()) seen = sequence;
  assert.ok(seen > 0n);
  assert.equal((await run.wait()).detailCount, 2n);
});

test("a token that is wrong, or none, is refused over TLS too", async (t) => {
  for (const options of [{}, { token: "no-token-of-this-server" }]) {
    await assert.rejects(over(t, ENCRYPTED, { ...options, tls }).gl.listLedgers({}), (error: unknown) => {
      assert.ok(error instanceof CountinghouseError, String(error));
      return error.code === Code.Unauthenticated;
    });
  }
});

test("a server whose authority is not known, or that has another name, is not talked to", async (t) => {
  const elsewhere = ENCRYPTED.replace("127.0.0.1", "localhost");
  const cases = [
    [ENCRYPTED, {}, /certificate/],
    [elsewhere, tls, /does not match certificate/],
  ] as const;
  for (const [url, tls, why] of cases) {
    await assert.rejects(over(t, url, { token: TOKEN, tls }).gl.listLedgers({}), (error: unknown) => {
      assert.ok(error instanceof CountinghouseError, String(error));
      return why.test(error.message);
    });
  }
});

test("a plain connection to a server that encrypts fails soon", async (t) => {
  const plain = over(t, ENCRYPTED.replace("https:", "http:"), { token: TOKEN, timeoutMs: 5_000 });
  await assert.rejects(plain.gl.listLedgers({}), CountinghouseError);
});
