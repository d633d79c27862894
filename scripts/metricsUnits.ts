/** The units that have `inetgw metrics` write for node_exporter's textfile collector: an example in templates/. */
import { hardening } from '../src/linkHooks/hardening.ts';

/** Where Debian's prometheus-node-exporter looks. */
const FOLDER = '/var/lib/prometheus/node-exporter';
const PROGRAM = '/usr/bin/inetgw';
/** Prometheus asks node_exporter every 15 to 60 s as a rule; a run costs about a third of a second of processor time. */
const EVERY_SEC = 30;

export function metricsService(): string {
  return [
    '[Unit]',
    "Description=Metrics of inetgw for node_exporter's textfile collector",
    'Documentation=man:inetgw(8)',
    `ConditionFileIsExecutable=${PROGRAM}`,
    `ConditionPathIsDirectory=${FOLDER}`,
    '',
    '[Service]',
    'Type=oneshot',
    `ExecStart=${PROGRAM} metrics --output ${FOLDER}/inetgw.prom`,
    `ReadWritePaths=-${FOLDER}`,
    ...hardening([PROGRAM]),
    '',
  ].join('\n');
}

export function metricsTimer(): string {
  return [
    '[Unit]',
    "Description=Metrics of inetgw for node_exporter's textfile collector",
    'Documentation=man:inetgw(8)',
    '',
    '[Timer]',
    'OnActiveSec=0',
    `OnUnitActiveSec=${EVERY_SEC}`,
    'AccuracySec=1',
    '',
    '[Install]',
    'WantedBy=timers.target',
    '',
  ].join('\n');
}
