/** The systems that the project is tried on. Pure. */
import type { Architecture } from '../../test/lab/architecture.ts';

export interface System {
  /** As it is typed: `npm run platforms -- trixie`. */
  id: string;
  name: string;
  suite: string;
  architecture: Architecture;
  /** Its own package `nodejs`, or a major version from npm where its own is too old. */
  node: 'own' | number;
}

export const SYSTEMS: readonly System[] = [
  { id: 'bullseye', name: 'Debian 11', suite: 'bullseye', architecture: 'amd64', node: 20 },
  { id: 'bookworm', name: 'Debian 12', suite: 'bookworm', architecture: 'amd64', node: 20 },
  { id: 'trixie', name: 'Debian 13', suite: 'trixie', architecture: 'amd64', node: 'own' },
  { id: 'unstable', name: 'Debian unstable', suite: 'sid', architecture: 'amd64', node: 'own' },
  { id: 'trixie-arm64', name: 'Debian 13, arm64', suite: 'trixie', architecture: 'arm64', node: 'own' },
];

/** @throws Error where there is none */
export function systemNamed(id: string): System {
  const system = SYSTEMS.find((each) => each.id === id);
  if (system === undefined) throw new Error(`there is no system ${id}`);
  return system;
}
