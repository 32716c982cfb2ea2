// Builds what the interop tests run against, unless it is in the cache already: the tools of the
// reference implementation and, for each of several versions of it, the peer in `peer/`.
//
// Prints one line for each, `NAME PATH`; all other output goes to stderr. The cache is
// $XDG_CACHE_HOME/hawser, ~/.cache/hawser without it. With `--check` nothing is built: the
// exit code says whether all is there.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'hawser')
const peerSource = join(import.meta.dirname, 'peer')

const tools = { crate: 'aggligator-util', version: '0.18.7', programs: ['agg-tunnel', 'agg-speed'] }

/** Oldest first. The newest declares a newer compiler than it needs. */
const peers = [
  { version: '0.9.7', features: [] },
  { version: '0.9.12', features: ['terminate'] },
  { version: '0.12.3', features: ['terminate', 'link-config'], ignoreRustVersion: true },
]

const toolsRoot = join(cache, `tools-${tools.version}`)
const programs = [
  ...tools.programs.map(name => ({ name, path: join(toolsRoot, 'bin', name), build: buildTools })),
  ...peers.map(peer => {
    const path = join(cache, `peer-${peer.version}-${peerHash(peer)}`)
    return { name: `peer-${peer.version}`, path, build: () => buildPeer(peer, path) }
  }),
]

const missing = programs.filter(program => !existsSync(program.path))
if (missing.length > 0) {
  const names = missing.map(program => program.name).join(', ')
  if (process.argv.includes('--check')) fail(`not built: ${names}`)
  process.stderr.write(`building ${names} into ${cache}; this takes some minutes, once\n`)
  requireCargo()
  mkdirSync(cache, { recursive: true })
  for (const program of missing) {
    if (!existsSync(program.path)) program.build()
  }
}
for (const { name, path } of programs) process.stdout.write(`${name} ${path}\n`)

function buildTools() {
  // Without USB, which would need a library of the system.
  const specification = ['--version', tools.version, '--locked', '--no-default-features', '--root', toolsRoot]
  cargo(['install', tools.crate, ...specification], cache)
}

function buildPeer({ version, features, ignoreRustVersion }, path) {
  const directory = mkdtempSync(join(cache, 'build-peer-'))
  try {
    cpSync(join(peerSource, 'src'), join(directory, 'src'), { recursive: true })
    copyFileSync(join(peerSource, 'locks', `${version}.lock`), join(directory, 'Cargo.lock'))
    const manifest = readFileSync(join(peerSource, 'Cargo.toml'), 'utf8')
    writeFileSync(join(directory, 'Cargo.toml'), manifest.replace(/^aggligator = .*$/m, `aggligator = "=${version}"`))
    const options = ['--locked', '--features', features.join(',')]
    cargo(['build', ...options, ...(ignoreRustVersion ? ['--ignore-rust-version'] : [])], directory)
    // Under a name of its own until it is complete: another build may be running.
    copyFileSync(join(cache, 'target', 'debug', 'hawser-interop-peer'), join(directory, 'built'))
    renameSync(join(directory, 'built'), path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Of everything that decides what comes out. */
function peerHash({ version, features }) {
  const hash = createHash('sha256')
  const sources = readdirSync(join(peerSource, 'src'))
    .sort()
    .map(name => join('src', name))
  for (const name of ['Cargo.toml', join('locks', `${version}.lock`), ...sources]) {
    hash.update(name).update(readFileSync(join(peerSource, name)))
  }
  return hash.update(features.join()).digest('hex').slice(0, 12)
}

function requireCargo() {
  const { status } = spawnSync('cargo', ['--version'], { stdio: 'ignore' })
  if (status !== 0) fail('the interop tests need Rust: no working `cargo` in PATH (see https://rustup.rs)')
}

function cargo(parameters, directory) {
  // Optimised just enough: what takes its time here is the compiler.
  const env = { ...process.env, CARGO_TARGET_DIR: join(cache, 'target'), CARGO_PROFILE_RELEASE_OPT_LEVEL: '1' }
  const { status } = spawnSync('cargo', parameters, { cwd: directory, env, stdio: ['ignore', 2, 2] })
  if (status !== 0) fail(`cargo ${parameters.join(' ')} failed`)
}

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
