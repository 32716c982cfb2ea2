import type { Duplex } from '#platform/stream'

/** `net.Socket` and its like can stop keeping the process alive; other streams have nothing to say. */
export function setReferenced(stream: Duplex, referenced: boolean): void {
  const socket = stream as { ref?: () => void; unref?: () => void }
  if (referenced) socket.ref?.()
  else socket.unref?.()
}
