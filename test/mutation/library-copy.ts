// A copy of the built project in which one bug at a time is planted and tests are run.

import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { type PlantedBug, plantIn } from './planted-bug.ts'

/** A test that takes longer has failed: with a bug in the library it may wait for what never comes. */
const TEST_TIMEOUT_MS = 50_000
/** The longest that one of its parts may take; the rest of the time is for the verdict. */
const PART_TIMEOUT_MS = 40_000
/** Sources that tests read beside the built files. */
const LINKED = ['node_modules', 'test', 'docs']

/** What a test file said. */
export interface TestRun {
  readonly passed: boolean
  /** Title of its first failed test; `undefined` if none failed, or if it never came to a test. */
  readonly failure: string | undefined
  /** Everything that it printed. */
  readonly output: string
}

export class LibraryCopy {
  readonly #root: string
  readonly #folder: string

  private constructor(root: string, folder: string) {
    this.#root = root
    this.#folder = folder
  }

  /** Copies the project at `root`, which must be built. */
  static async make(root: string): Promise<LibraryCopy> {
    const folder = await mkdtemp(join(tmpdir(), 'hawser-planted-bugs-'))
    await cp(join(root, 'dist'), join(folder, 'dist'), { recursive: true, filter: source => !/\.(d\.ts|map)$/.test(source) })
    await cp(join(root, 'package.json'), join(folder, 'package.json'))
    for (const name of LINKED) await symlink(join(root, name), join(folder, name))
    return new LibraryCopy(root, folder)
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true })
  }

  /** Runs `action` while the bug is in the copy. */
  async with<T>(bug: PlantedBug, action: () => Promise<T>): Promise<T> {
    const source = plantIn(await readFile(join(this.#root, bug.file), 'utf8'), bug)
    const target = join(this.#folder, 'dist', bug.file.replace(/\.ts$/, '.js'))
    const original = await readFile(target)
    await writeFile(target, compiled(source, bug.file))
    try {
      return await action()
    } finally {
      await writeFile(target, original)
    }
  }

  /** @param file - of a test, as `test/folder/name.test.ts` */
  runTest(file: string): Promise<TestRun> {
    const args = ['--expose-gc', join('dist', file.replace(/\.ts$/, '.js'))]
    const env = { ...process.env, TAP_TIMEOUT: `${PART_TIMEOUT_MS / 1_000}`, TAP_CHILD_ID: '', NO_COLOR: '1' }
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, args, { cwd: this.#folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
      const timer = setTimeout(() => child.kill('SIGKILL'), TEST_TIMEOUT_MS)
      child.on('error', reject)
      child.on('close', code => {
        clearTimeout(timer)
        const failure = /^not ok \d+ - (.*?)(?: # time=.*)?$/m.exec(output)?.[1]
        const complete = /^ok \d+/m.test(output) && /^1\.\.\d+/m.test(output)
        resolve({ passed: code === 0 && failure === undefined && complete, failure, output })
      })
    })
  }
}

/** What `tsc` makes of one file of `lib/`. */
function compiled(source: string, fileName: string): string {
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
  }
  const { outputText, diagnostics = [] } = ts.transpileModule(source, { compilerOptions, fileName, reportDiagnostics: true })
  const [wrong] = diagnostics
  if (wrong) throw new Error(`${fileName} with the bug: ${ts.flattenDiagnosticMessageText(wrong.messageText, ' ')}`)
  return outputText
}
