// The Duplex where Node's is missing. It behaves the same, but is another class: use `instanceof` on neither.

export { Duplex, type DuplexOptions } from 'readable-stream'
