// A hawser socket is assignable where a `net.Socket` is asked for, with the compiler settings that most projects have.

import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** What the compiler has to say about a program in the folder of this test. */
function problemsOf(program: string, options: ts.CompilerOptions): string[] {
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
    ...options,
  }
  const host = ts.createCompilerHost(all)
  const { fileExists, getSourceFile } = host
  host.fileExists = file => file === name || fileExists(file)
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, program, ts.ScriptTarget.ES2022) : getSourceFile(file, ...rest)
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

t.test('a Socket is a net.Socket to the compiler', async t => {
  t.same(problemsOf(program, {}), [])
})

t.test('the check would find what is not', async t => {
  t.match(problemsOf(`import net from 'node:net'\nexport const socket: net.Socket = {}`, {})[0], /not assignable|missing/)
})
