// Downloads that are resumed and proven.

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";

import { type Client as ServiceClient, Code } from "@connectrpc/connect";

import { CountinghouseError, isCut } from "./errors.js";
import type { DataFile, DataFilesService } from "./gen/countinghouse/operations/v1/data_files_pb.js";
import { leg } from "./leg.js";
import { Patience, type Persistence } from "./patience.js";

const LEG_MS = 600_000;

/** How to download. */
export interface DownloadOptions extends Persistence {
  /** Told the bytes that are there and the bytes that there are. */
  onBytes?: (received: bigint, size: bigint) => void;
}

/**
 * Fetch `dataFileSets/{code}/files/{file}` to `path`; gives the file's facts.
 *
 * The bytes go to a temporary name beside `path`, are taken up again where a connection or an earlier download was cut,
 * and become `path` only once their SHA-256 is that of the file; one that differs is `Code.DataLoss`.
 */
export async function download(
  files: ServiceClient<typeof DataFilesService>,
  name: string,
  path: string,
  options: DownloadOptions,
): Promise<DataFile> {
  const facts = await files.getDataFile({ name });
  const partial = `${path}.${facts.sha256.slice(0, 12)}.part`;
  const file = await open(partial, "a");
  try {
    const hash = await hashOf(partial, facts);
    await fetchRest(files, facts, file, hash, options);
    if (hash.digest("hex") !== facts.sha256) throw damaged(name);
    await file.sync();
  } catch (error) {
    if (error instanceof CountinghouseError && error.code === Code.DataLoss) await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(partial, path);
  return facts;
}

/** What was received before: its hash, to be gone on with. */
async function hashOf(partial: string, facts: DataFile): Promise<Hash & { taken: bigint }> {
  const hash = Object.assign(createHash("sha256"), { taken: 0n });
  for await (const piece of createReadStream(partial)) {
    hash.update(piece as Buffer);
    hash.taken += BigInt((piece as Buffer).length);
  }
  if (hash.taken > facts.sizeBytes) throw damaged(facts.name);
  return hash;
}

async function fetchRest(
  files: ServiceClient<typeof DataFilesService>,
  { name, sizeBytes }: DataFile,
  file: FileHandle,
  hash: Hash & { taken: bigint },
  options: DownloadOptions,
): Promise<void> {
  const patience = new Patience(options);
  while (hash.taken < sizeBytes) {
    const { call, end } = leg(LEG_MS, options.signal);
    let cut = CountinghouseError.own(`the stream of ${name} ended before the file did`, Code.Unavailable);
    try {
      for await (const piece of files.downloadDataFile({ name, offset: hash.taken }, call)) {
        if (piece.offset !== hash.taken || hash.taken + BigInt(piece.content.length) > sizeBytes) throw damaged(name);
        await file.appendFile(piece.content);
        hash.update(piece.content);
        hash.taken += BigInt(piece.content.length);
        patience.progressed();
        options.onBytes?.(hash.taken, sizeBytes);
      }
    } catch (thrown) {
      options.signal?.throwIfAborted();
      cut = CountinghouseError.of(thrown);
      if (!isCut(cut)) throw cut;
    } finally {
      end();
    }
    if (hash.taken < sizeBytes) await patience.wait(cut);
  }
}

function damaged(name: string): CountinghouseError {
  return CountinghouseError.own(`what came of ${name} is not what was written`, Code.DataLoss);
}
