/** The server: each request through the guard, nothing but what is in memory; changes are handed on. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerTo, errorAnswer, sampleEvent, type Answer } from '../answers/answers.ts';
import { pathOf, refusalOf, type GuardSettings } from '../answers/guard.ts';
import { policyOf } from '../answers/policy.ts';
import { reportsAnswer } from '../answers/reports.ts';
import type { Histories } from '../feed/histories.ts';
import type { BackLine, ChangedLine, DecisionLine, Snapshot } from '../feed/snapshot.ts';
import { Changes } from './changes.ts';
import { EventStreams, eventText } from './events.ts';
import { Freshness } from './freshness.ts';
import type { ShownReports } from './reports.ts';

/** The page's own files and nothing else: no inline script or style. */
const POLICY = policyOf(["script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"]);

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
} as const;

/** What is now, where the rest is what was. */
const TELLS_NOW = /^\/(?:metrics$|api\/v1\/(?:devices|hosts)(?:\/|$))/;

const MAX_CONNECTIONS = 64;
/** For the headers of a request, and for all of it: nobody holds a connection by sending slowly. */
const REQUEST_MS = 10_000;

export interface PageFile {
  type: string;
  text: string;
}

export class PageServer {
  readonly server: Server;
  readonly #settings: GuardSettings;
  readonly #files: ReadonlyMap<string, PageFile>;
  readonly #histories: Histories;
  readonly #events: EventStreams;
  readonly #changes: Changes;
  readonly #fresh: Freshness;
  readonly #reports: ShownReports | undefined;
  #snapshot: Snapshot | undefined;

  /**
   * @param reports undefined: none are shown
   * @param tell told whether somebody looks, that a reading is wanted, and what somebody wants changed
   */
  constructor(
    settings: GuardSettings,
    files: ReadonlyMap<string, PageFile>,
    histories: Histories,
    reports: ShownReports | undefined,
    tell: (line: BackLine) => void,
  ) {
    this.#changes = new Changes(tell);
    this.#fresh = new Freshness(() => {
      tell({ kind: 'wanted' });
    });
    this.#settings = settings;
    this.#files = files;
    this.#histories = histories;
    this.#reports = reports;
    let isWatched = false;
    this.#events = new EventStreams((count) => {
      if (isWatched === count > 0) return;
      isWatched = count > 0;
      tell({ kind: 'watched', is: isWatched });
    });
    this.server = createServer(
      { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS },
      (request, response) => {
        this.#respond(request, response);
      },
    );
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  show(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#histories.add(snapshot);
    this.#events.send(this.#sampleText(snapshot));
    if (snapshot.isForHistory !== true) this.#fresh.came();
  }

  /** Whoever looks is told that there are other reports, and asks for them. */
  reportsChanged(): void {
    this.#events.send(eventText('reports', {}));
  }

  decide(decision: DecisionLine): void {
    this.#histories.decide(decision);
    const { device, atMs, text } = decision;
    this.#events.send(eventText('decision', { device, atMs, text }));
  }

  changed(line: ChangedLine): void {
    this.#changes.answer(line);
  }

  #respond(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', headers } = request;
    const refusal = refusalOf({ method, url, headers }, this.#settings);
    if (refusal === undefined && method === 'POST') {
      this.#changes.receive(request, response, (answer, more) => {
        send(response, answer, more);
      });
      return;
    }
    // Nobody reads what came with it.
    request.resume();
    if (refusal !== undefined) {
      send(response, errorAnswer(refusal.status, refusal.message), refusal.headers);
      return;
    }
    const path = pathOf(url);
    const file = this.#files.get(path);
    if (file !== undefined) send(response, { status: 200, type: file.type, body: file.text });
    else if (path === '/events') this.#stream(response);
    else if (TELLS_NOW.test(path))
      this.#fresh.whenFresh(() => {
        this.#answer(path, response);
      });
    else this.#answer(path, response);
  }

  #answer(path: string, response: ServerResponse): void {
    send(
      response,
      this.#reports?.answerTo(path) ??
        reportsAnswer(path, [], "'none'") ??
        answerTo(path, this.#snapshot, this.#histories, this.#allowsChanges) ??
        errorAnswer(404, 'there is nothing here'),
    );
  }

  get #allowsChanges(): boolean {
    return this.#settings.changes === true;
  }

  #sampleText(snapshot: Snapshot): string {
    return eventText('sample', sampleEvent(snapshot, this.#allowsChanges));
  }

  #stream(response: ServerResponse): void {
    if (this.#events.isFull) {
      send(response, errorAnswer(503, 'too many look already'), { 'retry-after': '10' });
      return;
    }
    const known = this.#snapshot;
    this.#events.add(response, HEADERS, known === undefined ? '' : this.#sampleText(known));
  }
}

function send(
  response: ServerResponse,
  { status, type, body, headers }: Answer,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...HEADERS, 'content-type': type, ...headers, ...more });
  response.end(body);
}
