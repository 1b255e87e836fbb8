// A way to the server that can be cut.

import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";

/** Forwards to a server, and on demand cuts every connection through it. */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** How many bytes have come from the server. */
  received = 0;
  /** Cut every connection once so many bytes have come; taken back when it was done. */
  cutAt = Infinity;
  cuts = 0;

  private constructor(port: number, hostname: string) {
    this.#server = createServer((near) => {
      const far = connect(port, hostname);
      for (const [one, other] of [[near, far], [far, near]] as const) {
        this.#sockets.add(one);
        one.on("error", () => undefined);
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
      }
      near.pipe(far);
      far.on("data", (piece) => {
        this.received += piece.length;
        near.write(piece);
        if (this.received >= this.cutAt) this.cut();
      });
    });
  }

  /** A proxy that listens, before the server at `url`. */
  static async before(url: string): Promise<Proxy> {
    const { hostname, port } = new URL(url);
    const proxy = new Proxy(Number(port), hostname);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.cuts += 1;
    this.cutAt = Infinity;
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}
