// Lists, page by page.

/** What every list's request has. */
interface PageRequest {
  pageToken?: string;
}

/** What every list's answer has. */
interface PageAnswer {
  readonly nextPageToken: string;
}

/**
 * Every item of a list; the next page is fetched when it is asked for.
 *
 *     for await (const ledger of pages(client.gl.listLedgers, {}, (page) => page.ledgers)) …
 */
export async function* pages<Request extends PageRequest, Answer extends PageAnswer, Item>(
  list: (request: Request) => Promise<Answer>,
  request: Request,
  items: (answer: Answer) => Iterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  let pageToken = request.pageToken ?? "";
  do {
    const answer = await list({ ...request, pageToken });
    yield* items(answer);
    pageToken = answer.nextPageToken;
  } while (pageToken !== "");
}
