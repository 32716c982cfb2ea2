/** A mistake that is made in a copy of `lib/`, and the tests that must find it. */
export interface PlantedBug {
  /** What the library does wrong with it, in a few words; unique. */
  readonly name: string
  /** Source file, from the root of the project. */
  readonly file: string
  /** Text that occurs in the file exactly once. */
  readonly find: string
  readonly replace: string
  /** Test files, from the root of the project; each of them must fail. */
  readonly tests: readonly [string, ...string[]]
}

/**
 * The source with the mistake in it.
 *
 * @throws {Error} the text to be replaced is not there exactly once: the source has changed, the planted bug must follow
 */
export function plantIn(source: string, bug: PlantedBug): string {
  const places = source.split(bug.find).length - 1
  if (places !== 1) throw new Error(`"${bug.name}": its place in ${bug.file} was found ${places} times, not once`)
  // A function, for "$" in the replacement means nothing here.
  return source.replace(bug.find, () => bug.replace)
}
