import type { PlantedBug } from './planted-bug.ts'

/** Mistakes in what drives the engine: links, timers, servers, sockets. */
export const driverBugs: readonly PlantedBug[] = [
  // ---- time
  {
    name: 'a late timer is judged before the input that has long arrived',
    file: 'lib/bond.ts',
    find: 'if (nowMs - dueMs > LATE_MS) afterInput(() => this.#expire(now() - dueMs))\n    else if',
    replace: 'if',
    tests: ['test/bond-timers.test.ts'],
  },
  {
    name: 'a stall between a late timer and what it runs is not counted',
    file: 'lib/bond.ts',
    find: 'afterInput(() => this.#expire(now() - dueMs))',
    replace: 'afterInput(this.#expire.bind(this, now() - dueMs))',
    tests: ['test/bond-timers.test.ts'],
  },
  {
    name: 'a timer that was set anew leaves the old one behind',
    file: 'lib/bond.ts',
    find: 'this.#clearTimer()\n    this.#setTimer(now())',
    replace: 'this.#setTimer(now())',
    tests: ['test/bond-timers.test.ts'],
  },
  {
    name: 'the timer of a lingering connection is never cleared',
    file: 'lib/bond.ts',
    find: 'clearInterval(this.#lingerTimer)\n',
    replace: '',
    tests: ['test/bond-timers.test.ts'],
  },
  {
    name: 'the timer of a handshake runs on after it',
    file: 'lib/server-handshake.ts',
    find: 'finish(): void {\n    clearTimeout(this.#timer)\n',
    replace: 'finish(): void {\n',
    tests: ['test/handshake.test.ts'],
  },

  // ---- backpressure
  {
    name: 'write always returns true',
    file: 'lib/socket.ts',
    find: 'return super.write(callback ? keptBytes(chunk) : chunk, ...(rest as [BufferEncoding]))',
    replace: 'super.write(callback ? keptBytes(chunk) : chunk, ...(rest as [BufferEncoding]))\n    return true',
    tests: ['test/socket/backpressure.test.ts'],
  },
  {
    name: 'no drain follows',
    file: 'lib/attachment.ts',
    find: 'this.#observer.active()\n    this.#writeDone(null)',
    replace: 'this.#observer.active()',
    tests: ['test/socket/backpressure.test.ts'],
  },
  {
    name: 'a slow reader is given everything at once',
    file: 'lib/attachment.ts',
    find: 'if (this.#duplex.push(asBuffer(piece)) && !this.#detached) this.#readWanted = true',
    replace: 'this.#duplex.push(asBuffer(piece))\n    this.#readWanted = true',
    tests: ['test/socket/backpressure.test.ts'],
  },
  {
    name: 'a link that is full is written to',
    file: 'lib/link-channel.ts',
    find: 'if (duplex.write(chunk) === false) full = true',
    replace: 'duplex.write(chunk)',
    tests: ['test/link-channel.test.ts'],
  },
  {
    name: 'a link that drained is not used again',
    file: 'lib/link-channel.ts',
    find: 'if (this.writable) this.#handler.drained()',
    replace: '',
    tests: ['test/link-channel.test.ts'],
  },
  {
    name: 'a paused link is read',
    file: 'lib/link-channel.ts',
    find: "return this.#state === 'open' ? !this.#paused :",
    replace: "return this.#state === 'open' ? true :",
    tests: ['test/link-channel.test.ts'],
  },
  {
    name: 'a link reads on while there is something',
    file: 'lib/link-channel.ts',
    find: 'if (this.#turnLeftBytes <= 0) this.#scheduleTurn(afterInput)',
    replace: '',
    tests: ['test/link-channel.test.ts'],
  },
  {
    name: 'what was handed over in a later turn ends no batch',
    file: 'lib/link-channel.ts',
    find: 'if (this.#batchOpen) this.#endBatch()',
    replace: 'if (this.#batchBytes > 0) this.#endBatch()',
    tests: ['test/link-channel.test.ts'],
  },
  {
    name: 'a buffer is used on after its write was reported',
    file: 'lib/socket.ts',
    find: 'if (chunk instanceof Uint8Array) return Buffer.from(chunk)',
    replace: 'if (chunk instanceof Uint8Array) return chunk',
    tests: ['test/socket/buffer-reuse.test.ts'],
  },

  // ---- references
  {
    name: 'unref leaves the links referenced',
    file: 'lib/bond.ts',
    find: 'for (const { link } of this.#members.values()) setReferenced(link.stream, referenced)\n',
    replace: '',
    tests: ['test/socket/links.test.ts'],
  },
  {
    name: 'a link that joins after unref keeps the process alive',
    file: 'lib/bond.ts',
    find: 'if (!this.#referenced) setReferenced(link.stream, false)\n',
    replace: '',
    tests: ['test/socket/links.test.ts'],
  },

  // ---- servers
  {
    name: 'ids of closed connections are forgotten',
    file: 'lib/link-admitter.ts',
    find: 'if (connection.announced) this.#closedIds.add(id)',
    replace: '',
    tests: ['test/server/closed-connections.test.ts'],
  },
  {
    name: 'ids of closed connections are kept without bound',
    file: 'lib/closed-ids.ts',
    find: 'if (untilMs > nowMs && this.#untilMs.size < MOST_REMEMBERED) break',
    replace: 'if (untilMs > nowMs) break',
    tests: ['test/server/closed-connections.test.ts'],
  },
  {
    name: 'a client that continues a connection is given a new one',
    file: 'lib/link-admitter.ts',
    find: 'return existing || this.#closedIds.has(connectionId)',
    replace: 'return this.#closedIds.has(connectionId)',
    tests: ['test/handshake.test.ts'],
  },
  {
    name: 'a connection may have any number of links',
    file: 'lib/link-admitter.ts',
    find: 'if (linksOf(connection).length + connection.pendingLinks >= this.#limits.maxLinksPerConnection) {',
    replace: 'if (linksOf(connection).length < 0) {',
    tests: ['test/server/limits.test.ts'],
  },
  {
    name: 'links being decided about do not count',
    file: 'lib/link-admitter.ts',
    find: 'if (linksOf(connection).length + connection.pendingLinks >= this.#limits.maxLinksPerConnection) {',
    replace: 'if (linksOf(connection).length >= this.#limits.maxLinksPerConnection) {',
    tests: ['test/server/limits.test.ts'],
  },
  {
    name: 'any number of handshakes may be under way',
    file: 'lib/link-admitter.ts',
    find: 'if (this.#handshakes.size < maxHandshakes && same < mostOfSame) return undefined',
    replace: 'if (same < mostOfSame) return undefined',
    tests: ['test/server/limits.test.ts'],
  },
  {
    name: 'one address may take all handshakes',
    file: 'lib/link-admitter.ts',
    find: 'if (this.#handshakes.size < maxHandshakes && same < mostOfSame) return undefined',
    replace: 'if (this.#handshakes.size < maxHandshakes) return undefined',
    tests: ['test/server/limits.test.ts'],
  },
  {
    name: 'handshakes begin at any rate',
    file: 'lib/handshake-rate.ts',
    find: 'if (this.#allowance < 1) break\n',
    replace: '',
    tests: ['test/server/limits.test.ts'],
  },
  {
    name: 'the no of authorize is not minded',
    file: 'lib/link-admitter.ts',
    find: 'if (!(await this.#isAuthorized(incoming, starts))) throw',
    replace: 'if ((await this.#isAuthorized(incoming, starts)) === undefined) throw',
    tests: ['test/server/authorize.test.ts'],
  },
  {
    name: 'two links that exclude each other are both let in',
    file: 'lib/link-admission.ts',
    find: 'this.#admitted.add(link)\n',
    replace: '',
    tests: ['test/socket/link-filter.test.ts'],
  },
]
