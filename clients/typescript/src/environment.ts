// Where the server is and who calls, as the environment says it.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";

import type { ConnectOptions } from "./transport.js";

/**
 * The URL and the options that the variables of the `countinghouse` command stand for: `COUNTINGHOUSE_ADDRESS`,
 * `COUNTINGHOUSE_TOKEN` or `COUNTINGHOUSE_CLIENT_TOKEN_FILE`, `COUNTINGHOUSE_CLIENT_TLS_CA`, `_CERT` and `_KEY`.
 *
 *     const client = connect(...environment());
 */
export function environment(variables: NodeJS.ProcessEnv = process.env): [url: string, options: ConnectOptions] {
  const token = variables["COUNTINGHOUSE_TOKEN"];
  const tokenFile = variables["COUNTINGHOUSE_CLIENT_TOKEN_FILE"];
  if (token && tokenFile) throw new TypeError("COUNTINGHOUSE_TOKEN and COUNTINGHOUSE_CLIENT_TOKEN_FILE exclude each other");
  const options: ConnectOptions = {};
  if (token) options.token = token;
  if (tokenFile) options.token = async () => (await readFile(tokenFile, "utf8")).trim(); // it may be renewed there
  const tls: NonNullable<ConnectOptions["tls"]> = {};
  for (const part of ["ca", "cert", "key"] as const) {
    const path = variables[`COUNTINGHOUSE_CLIENT_TLS_${part.toUpperCase()}`];
    if (path) tls[part] = readFileSync(path);
  }
  if ((tls.cert === undefined) !== (tls.key === undefined)) throw new TypeError("a client certificate and its key go together");
  const encrypted = Object.keys(tls).length > 0;
  if (encrypted) options.tls = tls;
  return [`${encrypted ? "https" : "http"}://${variables["COUNTINGHOUSE_ADDRESS"] || "127.0.0.1:50051"}`, options];
}
