/** Options as commander hands them over: strings, not yet looked at. */
export interface RawOptions {
  /** OTHER by name: `up` for DOWN, `down` for UP. */
  up?: string;
  down?: string;
  auto?: boolean;
  pingHost?: string;
  towards?: string;
  maxRtt?: string;
  maxLoss?: string;
  pingInterval?: string;
  settle?: string;
  load?: string[];
  loadUp?: string[];
  streams?: string;
  framing?: string;
  linklayer?: string;
  overhead?: string;
  mpu?: string;
  pacing?: string;
  json?: boolean;
  csv?: boolean;
  report?: string;
  save?: string;
  plot?: boolean;
  log?: boolean;
  yes?: boolean;
  color?: boolean;
  quiet?: boolean;
}
