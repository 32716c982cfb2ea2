// As much of a browser's document as the script of the monitor page uses, and not a bit more: whatever else it tries,
// `innerHTML` above all, throws.

export class FakeElement {
  readonly tag: string
  className = ''
  #text = ''
  #children: readonly FakeElement[] = []

  constructor(tag: string) {
    this.tag = tag
    Object.preventExtensions(this)
  }

  get textContent(): string {
    return this.#text
  }

  set textContent(text: string) {
    this.#text = String(text)
  }

  get children(): readonly FakeElement[] {
    return this.#children
  }

  append(child: FakeElement): void {
    this.#children = [...this.#children, child]
  }

  replaceChildren(...children: readonly FakeElement[]): void {
    this.#children = children
  }
}

export class FakeDocument {
  readonly #elements: ReadonlyMap<string, FakeElement>

  /** @param markup - its elements with an `id` are there */
  constructor(markup: string) {
    const found = [...markup.matchAll(/<(\w+) id="(\w+)">/g)]
    this.#elements = new Map(found.map(([, tag = '', id = '']) => [id, new FakeElement(tag)]))
  }

  getElementById(id: string): FakeElement | null {
    return this.#elements.get(id) ?? null
  }

  createElement(tag: string): FakeElement {
    return new FakeElement(tag)
  }

  textOf(id: string): string | undefined {
    return this.getElementById(id)?.textContent
  }

  /** The rows below the head of a table, by the titles of its columns. */
  rowsOf(id: string): Record<string, string>[] {
    const [head, ...rows] = this.getElementById(id)?.children ?? []
    const titles = head?.children.map(({ textContent }) => textContent) ?? []
    return rows.map(row => Object.fromEntries(row.children.map(({ textContent }, index) => [titles[index], textContent])))
  }
}
