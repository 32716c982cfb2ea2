// The package as `npm pack` makes it, installed by a stranger: what it holds is enough, and its types are right, for
// every kind of module.

import { execFile } from 'node:child_process'
import { cp, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { run } from './support/child.ts'

/** Compiled tests lie one level deeper than their sources. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const compiler = join(root, 'node_modules/typescript/bin/tsc')

async function packedFiles(): Promise<string[]> {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout } = await promisify(execFile)('npm', args, { cwd: root, maxBuffer: 16_777_216 })
  const packed = JSON.parse(stdout)
  const [{ files }] = Array.isArray(packed) ? packed : Object.values(packed)
  return files.map(({ path }: { path: string }) => path)
}

/** A project that has the package and what that depends on, and of the development tools the types of Node. */
async function project(): Promise<string> {
  const folder = t.testdir({ 'module.ts': esm, 'common.cts': commonJs, 'package.json': '{ "type": "module" }' })
  const modules = join(folder, 'node_modules')
  for (const path of files) {
    await mkdir(dirname(join(modules, 'hawser', path)), { recursive: true })
    await cp(join(root, path), join(modules, 'hawser', path))
  }
  await symlink(join(root, 'node_modules/readable-stream'), join(modules, 'readable-stream'))
  await mkdir(join(modules, '@types'))
  await symlink(join(root, 'node_modules/@types/node'), join(modules, '@types/node'))
  return folder
}

const esm = `
  import { connect, createServer, HawserError, type Config, type Link, type Server, type Socket } from 'hawser'
  import { createMonitorPage } from 'hawser/monitor'
  import { tcpConnector, type TcpConnectorOptions } from 'hawser/tcp'

  const server: Server = createServer({ allowHalfOpen: true }, (socket: Socket) => socket.pipe(socket))
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address === null || typeof address === 'string') throw new TypeError('no port')
    const options: TcpConnectorOptions = { host: '127.0.0.1', port: address.port }
    const socket = connect({ transports: [tcpConnector(options)] })
    socket.on('link', (link: Link) => { const roundTrip: number = link.stats.roundTrip; if (roundTrip < 0) throw roundTrip })
    socket.on('error', error => { if (error instanceof HawserError) console.log(error.code, error.reason) })
    socket.setEncoding('utf8').on('data', (text: string) => console.log(text))
    socket.on('close', () => server.close())
    socket.end('from a module')
  })
  createMonitorPage(server).listen().catch((error: Error) => console.log(error))
  export type Buffers = Pick<Config, 'sendBuffer' | 'recvBuffer'>`

const commonJs = `
  import hawser = require('hawser')
  import { canBindToInterface } from 'hawser/tcp'
  const socket: hawser.Socket = new hawser.Socket({ config: { recvBuffer: 1_000_000 } })
  socket.destroy()
  canBindToInterface().then((can: boolean) => console.log(typeof can))`

const options = ['--strict', '--exactOptionalPropertyTypes', '--ignoreConfig', '--target', 'es2022', '--types', 'node']

const files = await packedFiles()
const folder = await project()

t.test('the package holds what it needs, and no tests', async t => {
  for (const path of ['LICENSE', 'README.md', 'dist/lib/index.js', 'dist/lib/index.d.ts', 'lib/index.ts', 'docs/protocol.md']) {
    t.ok(files.includes(path), path)
  }
  t.same(
    files.filter(path => /^(dist\/)?(test|benchmarks)\//.test(path)),
    [],
  )
})

t.test('strict programs of both kinds of modules compile against it, and what comes out runs', async t => {
  const sources = [join(folder, 'module.ts'), join(folder, 'common.cts')]
  const compiled = await run(compiler, ...options, '--module', 'nodenext', ...sources)
  t.equal(compiled.stdout, '')
  t.equal(compiled.code, 0)
  t.equal((await run(join(folder, 'module.js'))).stdout, 'from a module\n')
  t.equal((await run(join(folder, 'common.cjs'))).stdout, 'boolean\n')
})

t.test('a strict program compiles as bundlers resolve modules', async t => {
  const settings = ['--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit', '--skipLibCheck']
  const compiled = await run(compiler, ...options, ...settings, join(folder, 'module.ts'))
  t.equal(compiled.stdout, '')
  t.equal(compiled.code, 0)
})
