// A hawser socket is assignable where a `net.Socket` is asked for, with the compiler settings that most projects have and
// the types of every Node.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The types of each Node: packages that are `@types/node` under another name, but for the oldest. */
const typesOfNode: [node: number, folder: string][] = [
  [20, '@types/node'],
  [22, 'types-node-22'],
  [24, 'types-node-24'],
  [26, 'types-node-26'],
]

/** Read once for all programs. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** What the compiler has to say about a program in the folder of this test. */
function problemsOf(program: string, typesFolder = '@types/node'): string[] {
  const name = `${root}test/types/program.ts`
  const all: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    allowImportingTsExtensions: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ['node'],
    typeRoots: [`${root}node_modules/@types`],
    preserveSymlinks: true,
  }
  const host = ts.createCompilerHost(all)
  const { fileExists, directoryExists, readFile, getSourceFile } = host
  const actual = (path: string) => path.replace('node_modules/@types/node', `node_modules/${typesFolder}`)
  host.fileExists = file => file === name || fileExists(actual(file))
  host.directoryExists = folder => directoryExists?.(actual(folder)) ?? false
  host.readFile = file => readFile(actual(file))
  host.getSourceFile = (file, ...rest) => {
    if (file === name) return ts.createSourceFile(file, program, ts.ScriptTarget.ES2022)
    const path = actual(file)
    if (!parsed.has(path)) parsed.set(path, getSourceFile(path, ...rest))
    return parsed.get(path)
  }
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([name], all, host))
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

const program = `
  import net from 'node:net'
  import tls from 'node:tls'
  import http from 'node:http'
  import { connect, createServer, Socket } from 'hawser'
  const socket: net.Socket = connect(80, 'localhost')
  function takes(given: net.Socket): void { given.setTimeout(5).setNoDelay(true).end() }
  takes(new Socket())
  createServer(accepted => takes(accepted))
  tls.connect({ socket })
  http.request({ createConnection: () => connect(80) })
`

for (const [node, folder] of typesOfNode) {
  t.test(`a Socket is a net.Socket to the compiler, with the types of Node ${node}`, async t => {
    // Which types are used shows in what only the newer ones know.
    const probe = node < 24 ? '// @ts-expect-error\n' : ''
    t.same(problemsOf(`${program}${probe}new net.Socket().setTypeOfService(5)`, folder), [])
    const { version } = JSON.parse(readFileSync(`${root}node_modules/${folder}/package.json`, 'utf8'))
    t.match(version, new RegExp(`^${node}\\.`))
  })
}

t.test('the check would find what is not', async t => {
  t.match(problemsOf(`import net from 'node:net'\nexport const socket: net.Socket = {}`)[0], /not assignable|missing/)
})
