// Entry point `hawser/monitor`: how connections are doing, as plain data and as a page for the browser of this machine.

export { createMonitorPage, type MonitorPage, type MonitorPageListenOptions } from './monitor/page-server.ts'
export {
  type ConnectionSnapshot,
  type LinkSnapshot,
  type MonitorSnapshot,
  type MonitorSource,
  type SnapshotOptions,
  takeSnapshot,
} from './monitor/snapshot.ts'
